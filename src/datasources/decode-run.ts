import { UpstreamError } from '../models/errors.js';
import { apiOfRunId } from '../models/ids.js';
import { isJsonObject, type JsonObject, type JsonValue } from '../models/json.js';
import type { ObservedRun, StripeApi, UnreadableRun } from '../models/report-run.js';
import { DecodeError, describe, isArray, readInstant } from './decode.js';
import { decodeRunV1 } from './decode-run-v1.js';
import { decodeRunV2 } from './decode-run-v2.js';

/** Grows when decoding the same body gives another model, so that kept bodies are decoded again. */
export const DECODER_VERSION = 1;

/**
 * A run from Stripe's answer, or from the `body` kept of one: both give the same run.
 * Throws an UpstreamError only where there is not even an id; whatever else is broken makes an UnreadableRun.
 */
export function decodeRun(api: StripeApi, body: JsonObject): ObservedRun | UnreadableRun {
  const id = idOf(body);
  if (id === null) {
    const came = describe(body['id']);
    throw new UpstreamError('contract', `Stripe answered with a ${api} report run whose id is ${came}.`);
  }
  const kept = withoutLinks(body);
  try {
    if (apiOfRunId(id) !== api) throw new DecodeError(`expected the id of a ${api} run, got ${describe(id)}`);
    return { run: api === 'V1' ? decodeRunV1(body) : decodeRunV2(body), body: kept };
  } catch (error) {
    if (!(error instanceof DecodeError)) throw error;
    const createdAt = readInstant(body['created']);
    return { unreadable: true, id, api, createdAt, body: kept, reason: error.message };
  }
}

/** The id of an item, however broken the rest of it is; null if it has none that could be kept. */
export function idOf(item: JsonValue | undefined): string | null {
  if (!isJsonObject(item)) return null;
  const id = item['id'];
  return typeof id === 'string' && id !== '' && id.length <= 255 ? id : null;
}

/** Far deeper than any result is nested; what lies deeper is dropped rather than followed. */
const DEEPEST = 16;

/** Links live in `result` only: v1's `url` and `links`, v2's `file.download_url`. They expire or need the key. */
function withoutLinks(body: JsonObject): JsonObject {
  const result = body['result'];
  return result === undefined ? body : { ...body, result: stripLinks(result, 0) };
}

function stripLinks(value: JsonValue, depth: number): JsonValue {
  if (depth > DEEPEST) return null;
  if (isArray(value)) return value.map((item) => stripLinks(item, depth + 1));
  if (!isJsonObject(value)) return value;
  const kept = Object.entries(value).filter(([key]) => !/^(?:url|links|.*_url)$/.test(key));
  return Object.fromEntries(kept.map(([key, item]) => [key, stripLinks(item, depth + 1)]));
}
