import { invalid } from '../errors.js';
import { isObject } from '../json.js';
import type { JsonObject, JsonValue } from '../json.js';

export const MODES = ['test', 'live'] as const;

/** Reads the fields of a control request. Each reader throws a 400 that names the field and what came. */
export interface Fields {
  text(name: string): string | null;
  number(name: string, atLeast?: number): number | null;
  texts(name: string): readonly string[] | null;
  flag(name: string): boolean | null;
  object(name: string): JsonObject | null;
  oneOf<T extends string>(name: string, words: readonly T[]): T | null;
  raw(name: string): JsonValue | undefined;
}

/** The body must be an object of these fields only; an empty body is an empty object. */
export function readFields(body: Buffer, known: readonly string[]): Fields {
  return fieldsOf(parseBody(body), known);
}

export function fieldsOf(given: JsonObject, known: readonly string[]): Fields {
  for (const name of Object.keys(given)) {
    if (!known.includes(name)) throw invalid(`Unknown field '${name}'; known are ${known.join(', ')}.`);
  }
  function read<T>(name: string, expected: string, accept: (value: JsonValue) => T | null): T | null {
    const value = given[name] ?? null;
    if (value === null) return null;
    const accepted = accept(value);
    if (accepted === null) throw invalid(`'${name}' must be ${expected}, not ${JSON.stringify(value)}.`);
    return accepted;
  }
  return {
    text: (name) => read(name, 'a string', (value) => (typeof value === 'string' ? value : null)),
    texts: (name) => read(name, 'an array of strings', textsOf),
    number: (name, atLeast = 0) =>
      read(name, `a number of at least ${atLeast}`, (value) =>
        typeof value === 'number' && value >= atLeast ? value : null,
      ),
    flag: (name) => read(name, 'a boolean', (value) => (typeof value === 'boolean' ? value : null)),
    object: (name) => read(name, 'an object', (value) => (isObject(value) ? value : null)),
    oneOf: (name, words) =>
      read(name, `one of ${words.join(', ')}`, (value) => words.find((word) => word === value) ?? null),
    raw: (name) => given[name],
  };
}

/** What a body must have. */
export function required<T>(value: T | null, name: string): T {
  if (value === null) throw invalid(`'${name}' is required.`);
  return value;
}

/** A body that is an object, or null where JSON's null came. */
export function parseObjectOrNull(body: Buffer): JsonObject | null {
  const value = parse(body);
  if (value === null || isObject(value)) return value;
  throw invalid('The body must be a JSON object or null.');
}

function textsOf(value: JsonValue): readonly string[] | null {
  if (!Array.isArray(value)) return null;
  const items = value as readonly JsonValue[];
  const texts = items.filter((item) => typeof item === 'string');
  return texts.length === items.length ? texts : null;
}

function parseBody(body: Buffer): JsonObject {
  const value = body.length === 0 ? {} : parse(body);
  if (isObject(value)) return value;
  throw invalid('The body must be a JSON object.');
}

function parse(body: Buffer): JsonValue {
  try {
    return JSON.parse(body.toString()) as JsonValue;
  } catch {
    throw invalid('The body must be JSON.');
  }
}
