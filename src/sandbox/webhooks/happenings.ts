import { V1_VERSION } from '../auth.js';
import { REPORT_TYPES } from '../data/report-types.js';
import type { JsonObject } from '../json.js';
import { token } from '../random.js';
import { statusOf } from '../run.js';
import type { Run } from '../run.js';
import type { RunEvent, Scope } from '../scope.js';
import { shownReportType } from '../v1/report-types.js';
import { shownRunV1 } from '../v1/runs.js';
import { pushed } from '../v2/events.js';
import type { World } from '../world.js';
import type { Destination } from './destination.js';
import type { Happening } from './webhooks.js';

/** A v2 run had an event, or a v1 run (null) has ended. */
export function tellOfRun(world: World, scope: Scope, run: Run, event: RunEvent | null): void {
  const { account, mode } = scope;
  if (event !== null) {
    const body = pushed(event, mode === 'live');
    world.webhooks.tell({ account, mode, type: event.type, event: event.id, object: run.id, body });
    return;
  }
  const now = world.now();
  const type = `reporting.report_run.${statusOf(run, now)}`;
  // Showing a run makes its file to know the size: not for nobody.
  if (!world.webhooks.isWanted(account, mode, type)) return;
  world.webhooks.tell(snapshot(world, scope, type, run.id, run.end?.at ?? now, shownRunV1(world, run, now)));
}

/** There is newer data of v1's report types: of all, or of one. */
export function tellOfReportTypes(world: World, scope: Scope, only: string | null): void {
  const type = 'reporting.report_type.updated';
  const now = world.now();
  const { account, mode } = scope;
  if (!world.webhooks.isWanted(account, mode, type)) return;
  for (const definition of REPORT_TYPES.values()) {
    if ((definition.liveOnly && mode !== 'live') || (only !== null && definition.id !== only)) continue;
    const shown = shownReportType(definition, mode, now);
    world.webhooks.tell(snapshot(world, scope, type, definition.id, now, shown));
  }
}

/** What Stripe sends to see whether a destination answers. */
export function ping(world: World, { account, mode, id }: Destination): Happening {
  const type = 'v2.core.event_destination.ping';
  const event = `evt_${mode === 'test' ? 'test_' : ''}${token(world.random, 24)}`;
  const body = {
    id: event,
    object: 'v2.core.event',
    created: new Date(world.now()).toISOString(),
    livemode: mode === 'live',
    reason: null,
    related_object: {
      id,
      type: 'v2.core.event_destination',
      url: `/v2/core/event_destinations/${id}`,
    },
    type,
  };
  return { account, mode, type, event, object: id, body };
}

function snapshot(
  world: World,
  { account, mode }: Scope,
  type: string,
  object: string,
  at: number,
  shown: JsonObject,
): Happening {
  const event = `evt_1${token(world.random, 23)}`;
  const body = {
    id: event,
    object: 'event',
    api_version: V1_VERSION,
    created: Math.floor(at / 1000),
    data: { object: shown },
    livemode: mode === 'live',
    pending_webhooks: 1,
    request: { id: null, idempotency_key: null },
    type,
  };
  return { account, mode, type, event, object, body };
}
