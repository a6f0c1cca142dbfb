import { invalidFields } from '../errors.js';
import { isObject, textOf } from '../json.js';
import type { JsonObject, JsonValue } from '../json.js';
import type { RunEvent } from '../scope.js';

const FILTERS = ['types', 'created', 'object_id', 'limit'];

export interface EventFilter {
  readonly limit: number;
  /** As the query had it, for the links to other pages. */
  readonly query: JsonObject;
  matches(event: RunEvent): boolean;
}

/** A page begins at a place: right after it, or right before. */
export interface EventPlace {
  readonly created: number;
  readonly seq: number;
  readonly direction: 'next' | 'previous';
  readonly filter: JsonObject;
}

/** The place the query's `page` stands for, or null. A page keeps its first filters: others beside it are refused. */
export function readPage(query: JsonObject): EventPlace | null {
  const { page, ...filters } = query;
  for (const name of Object.keys(filters)) {
    if (!FILTERS.includes(name)) throw invalidFields(name, 'it is not known.');
  }
  if (page === undefined) return null;
  const place = decode(page);
  if (place === null) throw invalidFields('page', `${JSON.stringify(page)} is no page of this list.`);
  for (const [name, value] of Object.entries(filters)) {
    if (JSON.stringify(value) !== JSON.stringify(place.filter[name])) {
      throw invalidFields(name, 'filters cannot change between pages.');
    }
  }
  return place;
}

/** The link to the page next to an event. */
export function pageOf(
  path: string,
  direction: 'next' | 'previous',
  event: RunEvent,
  filter: EventFilter,
): string {
  const { created, seq } = event;
  const place: EventPlace = { created, seq, direction, filter: filter.query };
  return `${path}?page=${Buffer.from(JSON.stringify(place)).toString('base64url')}`;
}

export function readFilter(query: JsonObject): EventFilter {
  const { page: _, ...filters } = query;
  const types = typesOf(filters['types']);
  const created = boundsOf(filters['created']);
  const id = filters['object_id'];
  return {
    limit: limitOf(filters['limit']),
    query: filters,
    matches: (event) =>
      (types === null || types.includes(event.type)) &&
      (id === undefined || event.runId === id) &&
      created.every((within) => within(event.created)),
  };
}

function limitOf(value: JsonValue | undefined): number {
  if (value === undefined) return 20;
  const limit = typeof value === 'string' && /^\d{1,4}$/.test(value) ? Number(value) : 0;
  if (limit >= 1 && limit <= 100) return limit;
  throw invalidFields('limit', `it must be between 1 and 100, not ${JSON.stringify(value)}.`);
}

function typesOf(value: JsonValue | undefined): readonly JsonValue[] | null {
  if (value === undefined) return null;
  if (Array.isArray(value)) return value as readonly JsonValue[];
  throw invalidFields('types', 'it must be an array, written types[0]=….');
}

function boundsOf(value: JsonValue | undefined): ((created: number) => boolean)[] {
  if (value === undefined) return [];
  if (!isObject(value)) throw invalidFields('created', 'it must be an object, written created[gte]=….');
  return Object.entries(value).map(([name, bound]) => {
    const compare = comparisons[name];
    if (compare === undefined) throw invalidFields(`created.${name}`, 'it is not known.');
    const at = Date.parse(textOf(bound));
    if (Number.isNaN(at)) throw invalidFields(`created.${name}`, `${JSON.stringify(bound)} is no timestamp.`);
    return (created: number) => compare(created, at);
  });
}

const comparisons: Readonly<Record<string, ((a: number, b: number) => boolean) | undefined>> = {
  gt: (a, b) => a > b,
  gte: (a, b) => a >= b,
  lt: (a, b) => a < b,
  lte: (a, b) => a <= b,
};

function decode(page: JsonValue): EventPlace | null {
  try {
    const place: unknown = JSON.parse(Buffer.from(textOf(page), 'base64url').toString());
    if (!isObject(place)) return null;
    const { created, seq, direction, filter } = place;
    const known = typeof created === 'number' && typeof seq === 'number' && isObject(filter);
    if (!known || (direction !== 'next' && direction !== 'previous')) return null;
    return { created, seq, direction, filter };
  } catch {
    return null;
  }
}
