import { GraphQLError, type GraphQLScalarLiteralParser, valueFromASTUntyped } from 'graphql';
import { hasRealDay } from '../models/calendar.js';
import type { JsonObject, JsonValue } from '../models/json.js';
import { isJsonObject } from '../models/json.js';
import { quote } from '../resolvers/quote.js';
import { builder } from './builder.js';

builder.scalarType('DateTime', {
  description:
    'An instant, ISO 8601 with a date, a time and `Z` or an offset: `2026-01-31T00:00:00Z`. Answers are in UTC with milliseconds. Input with more than three digits of a fraction is refused.',
  serialize: (time) => new Date(time).toISOString(),
  parseValue: parseDateTime,
  parseLiteral: literal(parseDateTime),
});

builder.scalarType('BigInt', {
  description:
    'A whole number of up to 64 bits, written as a string of decimal digits, since JSON readers lose the last ones.',
  serialize: String,
  parseValue: parseBigInt,
  parseLiteral: literal(parseBigInt),
});

builder.scalarType('JSONObject', {
  description: 'A JSON object whose keys this schema does not know. At most 20 levels deep.',
  serialize: (value) => value,
  parseValue: parseJsonObject,
  parseLiteral: literal(parseJsonObject),
});

builder.scalarType('URL', {
  description: 'An absolute URL.',
  serialize: String,
  parseValue: parseUrl,
  parseLiteral: literal(parseUrl),
});

/** graphql-js says where a literal is wrong only if the scalar does not say what is wrong with it: this says both. */
function literal<T>(parse: (value: unknown) => T): GraphQLScalarLiteralParser<T> {
  return (node, variables) => {
    try {
      return parse(valueFromASTUntyped(node, variables));
    } catch (error) {
      if (!(error instanceof GraphQLError)) throw error;
      throw new GraphQLError(error.message, { nodes: node, extensions: error.extensions });
    }
  };
}

const DATE_TIME =
  /^\d{4}-\d{2}-\d{2}T(?:[01]\d|2[0-3]):[0-5]\d:[0-5]\d(?:\.\d{1,3})?(?:Z|[+-](?:[01]\d|2[0-3]):[0-5]\d)$/;
const MAX_DEPTH = 20;

function parseDateTime(value: unknown): number {
  const [text = ''] = (typeof value === 'string' ? DATE_TIME.exec(value) : null) ?? [];
  const time = Date.parse(text);
  if (Number.isNaN(time) || !hasRealDay(text)) {
    throw refused('a DateTime like "2026-01-31T00:00:00Z", with at most milliseconds', value);
  }
  return time;
}

function parseBigInt(value: unknown): bigint {
  const number = typeof value === 'string' && /^-?\d{1,19}$/.test(value) ? BigInt(value) : null;
  if (number === null || BigInt.asIntN(64, number) !== number) {
    throw refused('a BigInt, which is a 64-bit number as a string of decimal digits', value);
  }
  return number;
}

function parseUrl(value: unknown): string {
  if (typeof value !== 'string' || !URL.canParse(value)) throw refused('an absolute URL', value);
  return value;
}

function parseJsonObject(value: unknown): JsonObject {
  if (!isJsonObject(value)) throw refused('a JSON object', value);
  return copyObject(value, 1);
}

/** A plain copy: what comes from a literal has no prototype and undefined for variables that were not given. */
function copyObject(value: object, depth: number): JsonObject {
  if (depth > MAX_DEPTH) throw refused(`a JSON object of at most ${MAX_DEPTH} levels`, 'a deeper one');
  const entries = Object.entries(value).filter(([, item]) => item !== undefined);
  return Object.fromEntries(entries.map(([key, item]) => [key, copy(item, depth)]));
}

function copy(value: unknown, depth: number): JsonValue {
  if (Array.isArray(value)) {
    if (depth >= MAX_DEPTH) throw refused(`a JSON object of at most ${MAX_DEPTH} levels`, 'a deeper one');
    return value.map((item) => copy(item ?? null, depth + 1));
  }
  if (value === null || typeof value === 'string' || typeof value === 'boolean') return value;
  if (typeof value === 'number' && Number.isFinite(value)) return value;
  if (isJsonObject(value)) return copyObject(value, depth + 1);
  throw refused('a JSON value', value);
}

/** GraphQL reports a scalar's own GraphQLErrors as they are, code and all. */
function refused(expected: string, value: unknown): GraphQLError {
  return new GraphQLError(`Expected ${expected}, but got ${quote(value)}.`, {
    extensions: { code: 'BAD_USER_INPUT' },
  });
}
