import { randomBytes } from 'node:crypto';
import { createFaults } from './faults.js';
import type { Faults } from './faults.js';
import { createIdempotency } from './idempotency.js';
import type { Idempotency } from './idempotency.js';
import { createLimiter } from './limiter.js';
import type { Limiter } from './limiter.js';
import { createOutcomes } from './outcomes.js';
import type { Outcomes } from './outcomes.js';
import type { Random } from './random.js';
import { createRequestLog } from './request-log.js';
import type { RequestLog } from './request-log.js';
import type { Mode, Run } from './run.js';
import { Scope } from './scope.js';
import { defaultSettings } from './settings.js';
import type { Settings } from './settings.js';
import { tellOfRun } from './webhooks/happenings.js';
import { Webhooks } from './webhooks/webhooks.js';

/** Everything a sandbox remembers. */
export interface World {
  /** Its own origin, which the links in its answers carry. */
  origin: string;
  settings: Settings;
  readonly now: () => number;
  readonly random: Random;
  readonly scopes: Map<string, Scope>;
  readonly keys: Idempotency;
  readonly limiter: Limiter;
  readonly faults: Faults;
  readonly outcomes: Outcomes;
  readonly log: RequestLog;
  readonly webhooks: Webhooks;
  /** Signs download links. */
  readonly secret: Buffer;
}

export function createWorld(runSeconds: number, now: () => number, random: Random): World {
  const world: World = {
    origin: '',
    settings: defaultSettings(runSeconds),
    now,
    random,
    scopes: new Map(),
    keys: createIdempotency(now),
    limiter: createLimiter(now),
    faults: createFaults(),
    outcomes: createOutcomes(),
    log: createRequestLog(),
    webhooks: new Webhooks({ now, random, settings: () => world.settings }),
    secret: randomBytes(32),
  };
  return world;
}

/** The data of an account in a mode; an account nobody has seen yet is empty. */
export function scopeOf(world: World, account: string, mode: Mode): Scope {
  const name = `${account}:${mode}`;
  const known = world.scopes.get(name);
  if (known !== undefined) return known;
  const scope: Scope = new Scope(account, mode, world.random, (run, event) =>
    tellOfRun(world, scope, run, event),
  );
  world.scopes.set(name, scope);
  return scope;
}

/** Tells, in all accounts, of the runs that have ended since it was last asked. */
export function tellEnds(world: World): void {
  for (const scope of world.scopes.values()) scope.tellEnds(world.settings, world.now());
}

/** A run of any account. */
export function findRun(world: World, id: string): Run | null {
  for (const scope of world.scopes.values()) {
    const run = scope.find(id);
    if (run !== null) return run;
  }
  return null;
}
