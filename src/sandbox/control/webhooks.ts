import { REPORT_TYPES } from '../data/report-types.js';
import { ApiError, invalid } from '../errors.js';
import type { Call } from '../http.js';
import { scopeOf } from '../world.js';
import type { World } from '../world.js';
import { addDestination, EVENT_TYPES, PAYLOADS } from '../webhooks/destination.js';
import type { Destination, Payload } from '../webhooks/destination.js';
import { ping, tellOfReportTypes } from '../webhooks/happenings.js';
import { MODES, readFields, required } from './fields.js';

const FIELDS = ['url', 'payload', 'secret', 'events', 'account', 'mode'];

export function addWebhook(world: World, call: Call): { id: string; secret: string } {
  const fields = readFields(call.body, FIELDS);
  const payload = required(fields.oneOf('payload', PAYLOADS), 'payload');
  const { id, secret } = addDestination(world, {
    url: urlOf(required(fields.text('url'), 'url')),
    payload,
    secret: fields.text('secret'),
    events: eventsOf(payload, fields.texts('events')),
    account: fields.text('account') ?? 'acct_sandbox',
    mode: fields.oneOf('mode', MODES) ?? 'test',
  });
  return { id, secret };
}

/** Without the secrets, which only whoever makes a destination is told. */
export function listWebhooks(world: World): unknown {
  return { webhooks: world.webhooks.list().map(({ secret: _secret, ...shown }) => shown) };
}

export function removeWebhook(world: World, _call: Call, id: string): unknown {
  if (!world.webhooks.remove(id)) throw unknownWebhook(id);
  return {};
}

export function pingWebhook(world: World, _call: Call, id: string): { event: string } {
  const destination = world.webhooks.find(id);
  if (destination === null) throw unknownWebhook(id);
  if (destination.payload !== 'thin') throw invalid(`'${id}' takes snapshots; only thin events have a ping.`);
  const happening = ping(world, destination);
  world.webhooks.tellOne(destination, happening);
  return { event: happening.event };
}

export function listDeliveries(world: World): unknown {
  return { pending: world.webhooks.pending(), deliveries: world.webhooks.log.list() };
}

export function clearDeliveries(world: World): unknown {
  world.webhooks.log.clear();
  return {};
}

/** Says that there is newer data, as the hour does twice a day. */
export function updateReportTypes(world: World, call: Call): unknown {
  const fields = readFields(call.body, ['type', 'account', 'mode']);
  const type = fields.text('type');
  if (type !== null && !REPORT_TYPES.has(type))
    throw new ApiError(404, { message: `There is no report type '${type}'.` });
  const mode = fields.oneOf('mode', MODES) ?? 'test';
  tellOfReportTypes(world, scopeOf(world, fields.text('account') ?? 'acct_sandbox', mode), type);
  return {};
}

function unknownWebhook(id: string): ApiError {
  return new ApiError(404, { message: `There is no webhook '${id}'.` });
}

function urlOf(text: string): Destination['url'] {
  const url = URL.canParse(text) ? new URL(text) : null;
  if (url === null || !/^https?:$/.test(url.protocol))
    throw invalid(`'url' must be an http(s) URL, not '${text}'.`);
  return url.href;
}

function eventsOf(payload: Payload, events: readonly string[] | null): readonly string[] | null {
  const known = EVENT_TYPES[payload];
  for (const type of events ?? []) {
    if (!known.includes(type))
      throw invalid(`'events' of a ${payload} destination are ${known.join(', ')}, not '${type}'.`);
  }
  return events;
}
