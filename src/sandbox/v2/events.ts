import { notFound } from '../errors.js';
import type { Exchange } from '../exchange.js';
import { decodeForm } from '../form.js';
import { json } from '../http.js';
import type { Answer } from '../http.js';
import { isObject } from '../json.js';
import type { JsonObject } from '../json.js';
import type { RunEvent } from '../scope.js';
import { pageOf, readFilter, readPage } from './event-query.js';

const PATH = '/v2/core/events';
const KEPT_MS = 30 * 24 * 3_600_000;

/** One page, newest first. Events of the last 30 days only, and some of them late: see the settings. */
export function listEvents({ world, scope, call, now }: Exchange): Answer {
  const query = decodeForm(call.query);
  const place = readPage(query);
  const filter = readFilter(place?.filter ?? query);
  scope.tellEnds(world.settings, now);
  const all = scope
    .events()
    .filter((event) => event.visibleAt <= now && event.created > now - KEPT_MS && filter.matches(event));
  // A page is bound to a place, not to a number: events that become visible meanwhile move nothing.
  const newer = place === null ? [] : all.filter((event) => isNewer(event, place));
  const from =
    place === null ? 0 : place.direction === 'next' ? newer.length : Math.max(0, newer.length - filter.limit);
  const to = place?.direction === 'previous' ? newer.length : from + filter.limit;
  const page = all.slice(from, to);
  const [first, last] = [page[0], page.at(-1)];
  return json(200, {
    data: page.map((event) => pushed(event, scope.mode === 'live')),
    next_page_url: last !== undefined && to < all.length ? pageOf(PATH, 'next', last, filter) : null,
    previous_page_url: first !== undefined && from > 0 ? pageOf(PATH, 'previous', first, filter) : null,
  });
}

/** An event with what changed, which lists leave out. */
export function retrieveEvent({ world, scope, id, now }: Exchange): Answer {
  scope.tellEnds(world.settings, now);
  const event = scope.events().find((candidate) => candidate.id === id && candidate.created > now - KEPT_MS);
  if (event === undefined) throw notFound(`No such event: '${id}'.`);
  const changes = isObject(event.changes) ? { changes: event.changes } : {};
  return json(200, { ...pushed(event, scope.mode === 'live'), data: {}, ...changes });
}

function isNewer(event: RunEvent, place: { created: number; seq: number; direction: string }): boolean {
  const order = event.created - place.created || event.seq - place.seq;
  return place.direction === 'next' ? order >= 0 : order > 0;
}

/** An event as it is pushed to webhooks, and shown in lists. */
export function pushed(event: RunEvent, livemode: boolean): JsonObject {
  return {
    id: event.id,
    object: 'v2.core.event',
    created: new Date(event.created).toISOString(),
    livemode,
    reason: event.request === null ? null : { type: 'request', request: event.request },
    related_object: {
      id: event.runId,
      type: 'v2.reporting.report_run',
      url: `/v2/reporting/report_runs/${event.runId}`,
    },
    type: event.type,
  };
}
