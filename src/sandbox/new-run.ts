import type { JsonObject } from './json.js';
import { token } from './random.js';
import type { Api, Outcome, Run, RunEnd } from './run.js';
import type { Scope } from './scope.js';
import type { World } from './world.js';

const DEFAULT_ERROR = 'An error occurred while generating the report. Please try again later.';
const DEFAULT_ERROR_CODE = 'internal_error';

interface NewRun {
  readonly api: Api;
  readonly type: string;
  readonly parameters: JsonObject;
  readonly compress: boolean | null;
  /** Unix ms; v1 keeps whole seconds. */
  readonly created: number;
  readonly visibleAt: number;
  readonly idempotencyKey: string | null;
  readonly end: RunEnd | null;
}

/** Puts a run among an account's own. Tells nobody: see `Scope.tellCreated`. */
export function addRun(world: World, scope: Scope, run: NewRun): Run {
  const { random } = world;
  const name =
    run.api === 'V1'
      ? `frr_1${token(random, 23)}`
      : `reprun_${scope.mode === 'test' ? 'test_' : ''}${token(random, 24)}`;
  const added: Run = {
    ...run,
    id: name,
    mode: scope.mode,
    created: run.api === 'V1' ? Math.floor(run.created / 1000) * 1000 : run.created,
    tie: random(),
    overlay: null,
    size: null,
    given: null,
  };
  scope.add(added);
  return added;
}

/** How a run that begins now will end: as an outcome was ordered, else well, after the usual time give or take a fifth. */
export function plannedEnd(world: World, api: Api, type: string, now: number): RunEnd {
  const rule = world.outcomes.take(api, type);
  const usual = world.settings.runSeconds * 1000 * (0.8 + 0.4 * world.random());
  // Never at once by chance: what Stripe has just created is pending.
  const after = rule?.afterSeconds == null ? Math.max(1, usual) : rule.afterSeconds * 1000;
  return endOf(
    rule?.outcome ?? 'succeeded',
    now + Math.round(after),
    rule?.error ?? null,
    rule?.errorCode ?? null,
  );
}

export function endOf(outcome: Outcome, at: number, error: string | null, errorCode: string | null): RunEnd {
  return { at, outcome, error: error ?? DEFAULT_ERROR, errorCode: errorCode ?? DEFAULT_ERROR_CODE };
}
