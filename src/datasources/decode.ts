import { isJsonObject, type JsonObject, type JsonValue } from '../models/json.js';
import type { ReportRunStatus } from '../models/report-run.js';

/** An answer that breaks its contract. Stays inside the data sources; its message says what was expected and what came. */
export class DecodeError extends Error {
  override readonly name = 'DecodeError';
}

/** A non-empty string, or a DecodeError. */
export function requireText(object: JsonObject, key: string): string {
  const value = object[key];
  if (typeof value === 'string' && value !== '') return value;
  throw new DecodeError(`expected ${key} to be a non-empty string, got ${describe(value)}`);
}

/** Exactly this word, or a DecodeError. */
export function requireWord(object: JsonObject, key: string, word: string): void {
  const value = object[key];
  if (value !== word) throw new DecodeError(`expected ${key} to be "${word}", got ${describe(value)}`);
}

/** A boolean, or a DecodeError. */
export function requireFlag(object: JsonObject, key: string): boolean {
  const value = object[key];
  if (typeof value === 'boolean') return value;
  throw new DecodeError(`expected ${key} to be true or false, got ${describe(value)}`);
}

/** An instant as unix ms, or a DecodeError. */
export function requireInstant(object: JsonObject, key: string): number {
  const instant = readInstant(object[key]);
  if (instant !== null) return instant;
  throw new DecodeError(`expected ${key} to be an instant, got ${describe(object[key])}`);
}

/** The value if it is a non-empty string, else null. */
export function readText(value: JsonValue | undefined): string | null {
  return typeof value === 'string' && value !== '' ? value : null;
}

/** The value if it is an array of strings only, else null. */
export function readTexts(value: JsonValue | undefined): readonly string[] | null {
  if (!isArray(value)) return null;
  const texts = value.filter((item) => typeof item === 'string');
  return texts.length === value.length ? texts : null;
}

/** The value if it is an object, else null. */
export function readObject(value: JsonValue | undefined): JsonObject | null {
  return isJsonObject(value) ? value : null;
}

/** A size in bytes, which Stripe writes as a number or as a string of digits; null if it is neither. */
export function readBytes(value: JsonValue | undefined): bigint | null {
  if (typeof value === 'number') return Number.isSafeInteger(value) && value >= 0 ? BigInt(value) : null;
  return typeof value === 'string' && /^\d{1,18}$/.test(value) ? BigInt(value) : null;
}

const DATE = /^\d{4}-\d{2}-\d{2}$/;
const DATE_TIME = /^(\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2})(?:\.(\d+))?(Z|[+-]\d{2}:\d{2})$/i;
/** What a JavaScript Date can hold, ms. */
const LAST_INSTANT = 8.64e15;

/** Unix ms from unix seconds (a number or its digits) or RFC 3339 with any number of fraction digits; else null. */
export function readInstant(value: JsonValue | undefined): number | null {
  if (typeof value === 'number') return fromSeconds(value);
  if (typeof value !== 'string') return null;
  if (/^\d{1,12}$/.test(value)) return fromSeconds(Number(value));
  if (DATE.test(value)) return finite(Date.parse(value));
  const [, seconds, fraction = '', zone] = DATE_TIME.exec(value) ?? [];
  if (seconds === undefined || zone === undefined) return null;
  // Date.parse promises three fraction digits; what Stripe writes beyond them is cut off, not rounded.
  return finite(Date.parse(`${seconds}.${fraction.slice(0, 3).padEnd(3, '0')}${zone}`.toUpperCase()));
}

function fromSeconds(seconds: number): number | null {
  const instant = Math.trunc(seconds * 1000);
  return instant >= 0 && instant <= LAST_INSTANT ? instant : null;
}

function finite(instant: number): number | null {
  return Number.isFinite(instant) ? instant : null;
}

/** JSON.parse, or undefined where the text is none. */
export function parseJson(text: string): JsonValue | undefined {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** `Array.isArray` for JSON, which keeps the element type of a readonly array. */
export function isArray(value: JsonValue | undefined): value is readonly JsonValue[] {
  return Array.isArray(value);
}

/** A value as a message may name it: scalars themselves, cut short; of arrays and objects only that they are. */
export function describe(value: JsonValue | undefined): string {
  if (value === undefined) return 'nothing';
  if (isArray(value)) return 'an array';
  if (isJsonObject(value)) return 'an object';
  const text = JSON.stringify(value);
  return text.length > 60 ? `${text.slice(0, 60)}…` : text;
}

/** Where a run stands. `running` is the API's own word for it. An unknown word throws: without a status a run has no place. */
export function decodeStatus(word: JsonValue | undefined, running: 'pending' | 'running'): ReportRunStatus {
  if (word === running) return 'RUNNING';
  if (word === 'succeeded') return 'SUCCEEDED';
  if (word === 'failed') return 'FAILED';
  throw new DecodeError(`expected status to be ${running}, succeeded or failed, got ${describe(word)}`);
}
