import { UpstreamError } from '../models/errors.js';
import { isJsonObject, type JsonObject, type JsonValue } from '../models/json.js';
import type { ObservedRun, StripeApi, UnreadableRun } from '../models/report-run.js';
import { DecodeError, describe, isArray } from './decode.js';
import { decodeRun, idOf } from './decode-run.js';
import type { Answer } from './transport.js';

/** An id as one segment of a path. Throws before any request where it would lead to another endpoint, as an empty one does. */
export function segment(id: string): string {
  if (/^[\w.-]{1,255}$/.test(id) && !/^\.+$/.test(id)) return encodeURIComponent(id);
  const came = id === '' ? 'an empty string' : 'something else';
  throw new UpstreamError('invalid', `Expected one of Stripe's ids, got ${came}.`, { effect: 'none' });
}

/** The run in an answer; `id` is the one that was asked for, null where Stripe gives a new one. */
export function runOf(api: StripeApi, answer: Answer, id: string | null): ObservedRun | UnreadableRun {
  const came = idOf(answer.body);
  if (came === null || (id !== null && came !== id)) {
    throw contract(
      answer,
      `expected the report run ${id ?? 'with an id'}, got ${describe(answer.body['id'])}`,
    );
  }
  const item = decodeRun(api, answer.body);
  return 'unreadable' in item ? { ...item, requestId: answer.requestId } : item;
}

/** The objects of a list's `data`; what is not even an object is undefined. */
export function itemsOf(answer: Answer): readonly (JsonObject | undefined)[] {
  const data: JsonValue | undefined = answer.body['data'];
  if (!isArray(data)) throw contract(answer, `expected data to be an array, got ${describe(data)}`);
  return data.map((item) => (isJsonObject(item) ? item : undefined));
}

/** What `decode` makes of the answer; a DecodeError becomes a breach of contract with the request id. */
export function decoded<T>(answer: Answer, decode: (body: JsonObject) => T): T {
  try {
    return decode(answer.body);
  } catch (error) {
    throw error instanceof DecodeError ? contract(answer, error.message) : error;
  }
}

/** Null where `decode` finds the item broken. */
export function decodedOrNull<T>(item: JsonObject | undefined, decode: (body: JsonObject) => T): T | null {
  try {
    return item === undefined ? null : decode(item);
  } catch (error) {
    if (error instanceof DecodeError) return null;
    throw error;
  }
}

/** An answer, in JSON, that is not what the API promises. */
export function contract(answer: Answer, reason: string): UpstreamError {
  return new UpstreamError('contract', `Stripe's answer breaks its contract: ${reason}.`, {
    status: answer.status,
    requestId: answer.requestId,
    replayed: answer.replayed,
  });
}
