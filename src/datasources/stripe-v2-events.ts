import { UpstreamError } from '../models/errors.js';
import { apiOfRunId } from '../models/ids.js';
import type { JsonObject } from '../models/json.js';
import { DecodeError, describe, readObject, readText, requireInstant, requireText } from './decode.js';
import type { Answer } from './transport.js';
import { contract, decodedOrNull, itemsOf } from './upstream-answer.js';

export interface EventPageRequest {
  /** Unix ms, inclusive. */
  readonly createdFrom: number;
  /** `nextPage` of the page before; it has the filters in it. Absent or null for the first page. */
  readonly page?: string | null;
}

/** That something happened to a v2 run. It does not say what the run is like now. */
export interface RunEvent {
  readonly id: string;
  /** Such as `v2.reporting.report_run.succeeded`. */
  readonly type: string;
  /** Unix ms. */
  readonly createdAt: number;
  readonly runId: string;
  /** The key of the request that caused it: known for `created` only, and only where there was one. */
  readonly idempotencyKey: string | null;
}

export interface EventPage {
  readonly events: readonly RunEvent[];
  /** Null on the last page. */
  readonly nextPage: string | null;
  readonly requestId: string | null;
  /** Items that could not be read. */
  readonly skipped: number;
}

const EVENTS = '/v2/core/events';
const TYPES = ['created', 'updated', 'succeeded', 'failed'].map((word) => `v2.reporting.report_run.${word}`);

/** Path and query of a page. Throws where `page` would lead anywhere but to another page of events. */
export function eventsPath(request: EventPageRequest): string {
  const { createdFrom, page = null } = request;
  if (page !== null) {
    if (isEventsPage(page)) return page;
    throw new UpstreamError('invalid', 'Expected a page of v2 events, got another path.', { effect: 'none' });
  }
  const from = encodeURIComponent(new Date(createdFrom).toISOString());
  const types = TYPES.map((type, index) => `types[${index}]=${type}`);
  return `${EVENTS}?${[...types, `created[gte]=${from}`, 'limit=100'].join('&')}`;
}

export function readEvents(answer: Answer): EventPage {
  const nextPage = answer.body['next_page_url'] ?? null;
  // The key goes wherever this leads, so it may not lead to another host or endpoint.
  if (nextPage !== null && (typeof nextPage !== 'string' || !isEventsPage(nextPage))) {
    throw contract(answer, `expected next_page_url to lead to ${EVENTS} on the same host`);
  }
  const data = itemsOf(answer);
  const events = data.flatMap((item) => decodedOrNull(item, decodeEvent) ?? []);
  return { events, nextPage, requestId: answer.requestId, skipped: data.length - events.length };
}

function isEventsPage(path: string): boolean {
  return path.startsWith(`${EVENTS}?`) && /^[!-~]+$/.test(path) && !path.includes('#');
}

/** An event of a v2 run, listed or pushed. Throws DecodeError. */
export function decodeEvent(item: JsonObject): RunEvent {
  const related = readObject(item['related_object']);
  if (related === null)
    throw new DecodeError(`expected related_object, got ${describe(item['related_object'])}`);
  const runId = requireText(related, 'id');
  if (apiOfRunId(runId) !== 'V2')
    throw new DecodeError(`expected the id of a v2 run, got ${describe(runId)}`);
  const request = readObject(readObject(item['reason'])?.['request']);
  return {
    id: requireText(item, 'id'),
    type: requireText(item, 'type'),
    createdAt: requireInstant(item, 'created'),
    runId,
    idempotencyKey: readText(request?.['idempotency_key']),
  };
}
