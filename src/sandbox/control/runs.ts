import { reportIds } from '../data/reports.js';
import { ApiError, invalid } from '../errors.js';
import type { Call } from '../http.js';
import { addRun, endOf } from '../new-run.js';
import { inListOrder, statusOf } from '../run.js';
import type { Api, Mode, Outcome, Run, RunEnd } from '../run.js';
import { sampleParameters } from '../sample.js';
import type { Scope } from '../scope.js';
import { findRun, scopeOf, tellEnds } from '../world.js';
import type { World } from '../world.js';
import { fieldsOf, MODES, parseObjectOrNull, readFields, required } from './fields.js';
import { FILE_FIELDS, fileFrom } from './file-fields.js';

const STATUSES = ['pending', 'running', 'succeeded', 'failed'] as const;
const FIELDS =
  'account mode api count createdAt spacingMs status endsAfterSeconds type parameters lateMs file'.split(' ');

/** Creates many runs at once, past all limits. Answers their ids in the order they were made. */
export function addRuns(world: World, call: Call): { ids: string[] } {
  const now = world.now();
  const fields = readFields(call.body, FIELDS);
  const mode = fields.oneOf('mode', MODES) ?? 'test';
  const scope = scopeOf(world, fields.text('account') ?? 'acct_sandbox', mode);
  const api = required(fields.oneOf<Api>('api', ['V1', 'V2']), 'api');
  const type = fields.text('type') ?? (api === 'V1' ? 'balance.summary.1' : (reportIds(mode)[0] ?? ''));
  const parameters = fields.object('parameters');
  const status = fields.oneOf('status', STATUSES) ?? 'succeeded';
  const endsAfter = fields.number('endsAfterSeconds');
  const [newest, spacing] = [fields.number('createdAt') ?? now, fields.number('spacingMs') ?? 0];
  const lateMs = fields.number('lateMs') ?? 0;
  const file = fields.object('file');
  const given = file === null ? null : fileFrom(fieldsOf(file, FILE_FIELDS));
  const ids: string[] = [];
  const count = required(fields.number('count', 1), 'count');
  for (let i = 0; i < count; i++) {
    const created = newest - i * spacing;
    const run = addRun(world, scope, {
      api,
      type,
      parameters: parameters ?? sampleParameters(api, type, mode, created, world.random),
      compress: api === 'V2' ? false : null,
      created,
      visibleAt: now + lateMs,
      idempotencyKey: null,
      end: endFor(status, created, endsAfter, now),
    });
    run.given = given;
    if (api === 'V2') scope.tellCreated(run, null, world.settings, lateMs, now);
    ids.push(run.id);
  }
  return { ids };
}

function endFor(
  status: (typeof STATUSES)[number],
  created: number,
  endsAfter: number | null,
  now: number,
): RunEnd | null {
  if (status === 'succeeded' || status === 'failed') {
    return endOf(status, Math.min(now, created + (endsAfter ?? 0) * 1000), null, null);
  }
  return endsAfter === null ? null : endOf('succeeded', now + endsAfter * 1000, null, null);
}

/** All runs in the true order of lists, also those that lists do not show yet. */
export function listRuns(world: World, call: Call): unknown {
  const query = new URLSearchParams(call.query);
  const now = world.now();
  const scopes = scopesOf(world, query.get('account') ?? 'acct_sandbox', query.get('mode') ?? 'test');
  const runs = scopes.flatMap((scope) => [...scope.list('V1'), ...scope.list('V2')]).sort(inListOrder);
  return {
    runs: runs.map((run) => ({
      id: run.id,
      api: run.api,
      created: run.created,
      status: statusOf(run, now),
      type: run.type,
      idempotencyKey: run.idempotencyKey,
    })),
  };
}

/** Empties an account: its runs, events and idempotency keys. */
export function clearRuns(world: World, call: Call): unknown {
  const query = new URLSearchParams(call.query);
  for (const scope of scopesOf(world, query.get('account') ?? 'acct_sandbox', query.get('mode'))) {
    scope.clear();
    world.keys.forget(`${scope.account}:${scope.mode}:`);
  }
  return {};
}

/** Ends a run now. */
export function finishRun(world: World, call: Call, id: string): unknown {
  const run = known(world, id);
  const now = world.now();
  const fields = readFields(call.body, ['outcome', 'error', 'errorCode']);
  const outcome = required(fields.oneOf<Outcome>('outcome', ['succeeded', 'failed']), 'outcome');
  const status = statusOf(run, now);
  if (status !== 'running') throw new ApiError(409, { message: `The run ${id} has already ${status}.` });
  run.end = endOf(outcome, now, fields.text('error'), fields.text('errorCode'));
  tellEnds(world);
  return {};
}

/** Gives a run another file than the one that is made from it. */
export function giveFile(world: World, call: Call, id: string): unknown {
  const given = fileFrom(readFields(call.body, FILE_FIELDS));
  known(world, id).given = given;
  return { size: given.content.size };
}

export function overlayRun(world: World, call: Call, id: string): unknown {
  known(world, id).overlay = parseObjectOrNull(call.body);
  return {};
}

function known(world: World, id: string): Run {
  const run = findRun(world, id);
  if (run === null) throw new ApiError(404, { message: `There is no run '${id}' in any account.` });
  return run;
}

function scopesOf(world: World, account: string, mode: string | null): Scope[] {
  const wanted: readonly Mode[] = MODES.filter((candidate) => mode === null || candidate === mode);
  if (wanted.length === 0) throw invalid(`'mode' must be one of ${MODES.join(', ')}, not '${mode}'.`);
  return wanted.map((candidate) => scopeOf(world, account, candidate));
}
