import { invalid, missing } from '../errors.js';
import type { Exchange } from '../exchange.js';
import { decodeForm } from '../form.js';
import { json } from '../http.js';
import type { Answer } from '../http.js';
import type { JsonObject } from '../json.js';
import { addRun, plannedEnd } from '../new-run.js';
import { overlaid, statusOf } from '../run.js';
import type { Run } from '../run.js';
import type { World } from '../world.js';
import { shownFile } from './files.js';
import { refuseUnknown } from './known.js';
import { checkParameters } from './parameters.js';
import { reportTypeFor } from './report-types.js';

export function createRunV1({ world, scope, body, idempotencyKey, now }: Exchange): Run {
  refuseUnknown(body, ['report_type', 'parameters']);
  const { report_type: id, parameters } = body;
  if (typeof id !== 'string' || id === '') {
    throw invalid('Missing required param: report_type.', {
      code: 'parameter_missing',
      param: 'report_type',
    });
  }
  const type = reportTypeFor(id, scope.mode, 'report_type');
  const checked = checkParameters(type, parameters, now);
  return addRun(world, scope, {
    api: 'V1',
    type: type.id,
    parameters: checked,
    compress: null,
    created: now,
    visibleAt: now + world.random() * world.settings.lateRunsMs,
    idempotencyKey,
    end: plannedEnd(world, 'V1', type.id, now),
  });
}

export function showRunV1({ world, now }: Exchange, run: Run): Answer {
  return json(200, shownRunV1(world, run, now));
}

export function retrieveRunV1(exchange: Exchange): Answer {
  refuseUnknown(decodeForm(exchange.call.query));
  const run = exchange.scope.find(exchange.id);
  if (run?.api !== 'V1') throw missing('report run', exchange.id, 'report_run');
  return showRunV1(exchange, run);
}

export function shownRunV1(world: World, run: Run, now: number): JsonObject {
  const status = statusOf(run, now);
  const endedAt = Math.floor((run.end?.at ?? 0) / 1000);
  return overlaid(run, {
    id: run.id,
    object: 'reporting.report_run',
    created: run.created / 1000,
    error: status === 'failed' ? (run.end?.error ?? null) : null,
    livemode: run.mode === 'live',
    parameters: run.parameters,
    report_type: run.type,
    result: status === 'succeeded' ? shownFile(world, run) : null,
    status: status === 'running' ? 'pending' : status,
    succeeded_at: status === 'succeeded' ? endedAt : null,
  });
}
