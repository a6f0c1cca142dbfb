import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pino } from 'pino';
import type { Priority, UpstreamCall } from '../../src/datasources/admission.js';
import { type Buckets, openBuckets } from '../../src/ledger/buckets.js';
import type { Engine } from '../../src/ledger/engine.js';
import { migrate } from '../../src/ledger/migrations.js';
import { openSqlite } from '../../src/ledger/sqlite.js';
import { UpstreamError } from '../../src/models/errors.js';
import { Budget } from '../../src/watch/budget.js';
import type { Clock } from '../../src/watch/clock.js';

export const ENDPOINT = 'GET /v1/reporting/report_runs/:id';
const T0 = Date.UTC(2026, 10, 21, 12);

/** A clock that stands until it is moved; what falls due is done on the way, with time for its promises. */
export interface MovedClock extends Clock {
  advance(ms: number): Promise<void>;
}

function movedClock(start = T0): MovedClock {
  let now = start;
  const timers = new Set<{ readonly at: number; readonly work: () => void }>();
  const after = (ms: number, work: () => void): (() => void) => {
    const timer = { at: now + ms, work };
    timers.add(timer);
    return () => timers.delete(timer);
  };
  return {
    now: () => now,
    after,
    wait: (ms) => new Promise((resolve) => after(ms, () => resolve(undefined))),
    async advance(ms) {
      const end = now + ms;
      for (;;) {
        for (let turn = 0; turn < 3; turn += 1) await new Promise((resolve) => setImmediate(resolve));
        const [next] = [...timers].filter(({ at }) => at <= end).sort((a, b) => a.at - b.at);
        if (next === undefined) break;
        timers.delete(next);
        now = Math.max(now, next.at);
        next.work();
      }
      now = end;
    },
  };
}

/** An admission that was given or refused, and when. */
export interface Outcome {
  readonly name: string;
  readonly call: UpstreamCall;
  readonly askedAt: number;
  readonly at: number;
  readonly error: Error | null;
}

export interface TestBudgets {
  readonly clock: MovedClock;
  readonly engine: Engine;
  readonly buckets: Buckets;
  /** What became of the calls, in the order in which it was decided. */
  readonly outcomes: Outcome[];
  /** Lines of the log. */
  readonly log: Record<string, unknown>[];
  budget(process?: number): Budget;
  /** Asks a process's budget for one call. */
  ask(name: string, call: Partial<UpstreamCall>, process?: number): void;
  close(): Promise<void>;
}

export const WAIT_MS: Readonly<Record<Priority, number>> = { person: 2_000, watched: 3_000, rest: 3_000 };

/** The budgets of so many processes on one database. */
export async function openBudgets({
  processes = 1,
  monthlyReads = null as number | null,
  live = false,
} = {}): Promise<TestBudgets> {
  const folder = await mkdtemp(join(tmpdir(), 'budget-'));
  const clock = movedClock();
  const engine = openSqlite(join(folder, 'ledger.db'), () => clock.now());
  await migrate(engine, () => clock.now());
  const account = live ? 'acct_1:live' : 'acct_1:test';
  const buckets = openBuckets(engine, account);
  const log: Record<string, unknown>[] = [];
  const logger = pino(
    { base: null },
    { write: (line) => log.push(JSON.parse(line) as Record<string, unknown>) },
  );
  const budgets = Array.from(
    { length: processes },
    () => new Budget({ account, buckets, monthlyReads, clock, log: logger }),
  );
  const outcomes: Outcome[] = [];
  const budget = (process = 0): Budget => {
    const one = budgets[process];
    if (one === undefined) throw new RangeError(`there are ${processes} processes, and no ${process}`);
    return one;
  };
  return {
    clock,
    engine,
    buckets,
    outcomes,
    log,
    budget,
    ask(name, given, process = 0) {
      const { priority = 'person' } = given;
      const call = { endpoint: ENDPOINT, isRead: true, priority, waitMs: WAIT_MS[priority], ...given };
      const askedAt = clock.now();
      const note = (error: Error | null) => outcomes.push({ name, call, askedAt, at: clock.now(), error });
      budget(process)
        .admit(call)
        .then(
          () => note(null),
          (error: unknown) => note(error instanceof Error ? error : new Error(String(error))),
        );
    },
    async close() {
      await engine.close();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

/** The names of those that were let through. */
export function admitted(outcomes: readonly Outcome[]): string[] {
  return outcomes.filter(({ error }) => error === null).map(({ name }) => name);
}

/** The seconds after which those that were sent away may try again. */
export function retries(outcomes: readonly Outcome[]): number[] {
  return outcomes.flatMap(({ error }) =>
    error instanceof UpstreamError ? [error.retryAfter ?? Number.NaN] : [],
  );
}
