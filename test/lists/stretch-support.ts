import { pino } from 'pino';
import { onTestFinished } from 'vitest';
import { DECODER_VERSION, decodeRun } from '../../src/datasources/decode-run.js';
import { createStripeV1 } from '../../src/datasources/stripe-v1.js';
import { createTransport, type Transport } from '../../src/datasources/transport.js';
import type { Asker } from '../../src/ledger/engine.js';
import { type Ledger, openLedger } from '../../src/ledger/ledger.js';
import { openEngine } from '../../src/ledger/open-engine.js';
import type { RunPosition } from '../../src/models/run-page.js';
import { type Clock, systemClock } from '../../src/watch/clock.js';
import { Sightings } from '../../src/watch/sightings.js';
import { StretchV1 } from '../../src/watch/stretch-v1.js';
import { UpstreamStates } from '../../src/watch/upstream-states.js';
import { testDatabaseUrl } from '../support/databases.js';
import { startTestSandbox, type TestSandbox } from '../support/sandbox.js';
import { make, sleep } from './support.js';

const LIST = '/v1/reporting/report_runs';

interface TrueRun {
  readonly id: string;
  /** Unix ms. */
  readonly created: number;
  /** Lists do not show it before. */
  readonly visibleAt: number;
}

/** A stretch over a ledger of its own, and a sandbox whose clock stands still until it is moved. */
export interface Bench {
  readonly sandbox: TestSandbox;
  readonly ledger: Ledger;
  readonly transport: Transport;
  readonly clock: Clock;
  /** All runs that were made, but for those that were made odd. */
  readonly runs: Map<string, TrueRun>;
  stretch: StretchV1;
  /** One more instance on the same ledger. */
  another(): StretchV1;
  /** A tick of the feed that looks for new runs; false where another instance has the feed. */
  readHead(): Promise<boolean>;
  /** What a list does that wants more than there is. */
  extend(): Promise<void>;
  now(): number;
  pass(ms: number): void;
  /** Makes v1 runs of this age, spread over `spreadMs`, that lists show `lateMs` from now. */
  create(count: number, ageMs: number, spreadMs: number, lateMs: number): Promise<void>;
  /** As after a restart of the gateway: only the ledger remains. */
  restart(): void;
  close(): Promise<void>;
}

export async function openBench(): Promise<Bench> {
  let time = Date.UTC(2026, 0, 1);
  const now = (): number => time;
  const sandbox = await startTestSandbox({ seed: false, now });
  // On a clock that stands still, any number of requests fall into one second.
  await sandbox.control('POST', 'settings', { limits: false });
  const engine = { ...(await openEngine(await testDatabaseUrl())), now };
  const transport = createTransport({
    apiKey: 'sk_test_sandbox',
    base: new URL(sandbox.origin),
    v2Version: '2026-04-22.dahlia',
  });
  const ledger = await openLedger({
    engine,
    account: 'acct_sandbox:test',
    upstream: sandbox.origin,
    decode: decodeRun,
    decoderVersion: DECODER_VERSION,
    now,
  });
  const clock: Clock = { ...systemClock(now), wait: () => Promise.resolve() };
  const newStretch = (): StretchV1 =>
    new StretchV1({
      v1: createStripeV1(transport),
      ledger,
      sightings: new Sightings({ log: pino({ level: 'silent' }) }),
      states: new UpstreamStates(),
      clock,
    });
  const bench: Bench = {
    sandbox,
    ledger,
    transport,
    clock,
    runs: new Map(),
    stretch: newStretch(),
    another: newStretch,
    async readHead() {
      await ledger.schedule.want('V1', { ids: [], news: true });
      const claim = await ledger.schedule.claim('V1', 15_000);
      if (claim === null) return false;
      try {
        await bench.stretch.refresh(claim.attempt);
      } finally {
        await ledger.schedule.finish('V1', claim.attempt, { due: null, state: 'READY', failure: null });
      }
      return true;
    },
    async extend() {
      if (await bench.stretch.hasHead()) await bench.stretch.extend();
      else await bench.readHead();
    },
    now,
    pass(ms) {
      time += ms;
    },
    async create(count, ageMs, spreadMs, lateMs) {
      const createdAt = now() - ageMs;
      const spacingMs = Math.floor(spreadMs / count);
      const ids = await make(sandbox, { api: 'V1', count, createdAt, spacingMs, lateMs });
      for (const [index, id] of ids.entries()) {
        const created = Math.floor((createdAt - index * spacingMs) / 1000) * 1000;
        bench.runs.set(id, { id, created, visibleAt: now() + lateMs });
      }
    },
    restart() {
      bench.stretch = newStretch();
    },
    async close() {
      await Promise.all([engine.close(), transport.close(), sandbox.close()]);
    },
  };
  onTestFinished(() => bench.close().catch(() => {}));
  return bench;
}

/** The ids and times of the runs that the ledger shows above a floor. */
export async function shown(
  ledger: Ledger,
  floor: RunPosition | null,
  asker: Asker,
): Promise<ReadonlyMap<string, number>> {
  const found = new Map<string, number>();
  let after: RunPosition | null = null;
  for (;;) {
    const request = { filter: {}, direction: 'forward', limit: 10_000, after, before: null } as const;
    const { runs, more } = await ledger.runs.page(request, floor, asker);
    for (const { id, createdAt } of runs) found.set(id, createdAt);
    const last = runs.at(-1);
    if (!more || last === undefined) return found;
    after = { createdAt: last.createdAt, id: last.id };
  }
}

/** Has the sandbox refuse one list page, after `pages` that it still answers: a read stops half way. */
export async function refuseAfter({ sandbox }: Bench, pages: number): Promise<void> {
  const add = (what: object): Promise<{ id: string }> =>
    sandbox.control('POST', 'faults', { path: LIST, ...what });
  await sandbox.control('DELETE', 'faults');
  const held = pages === 0 ? null : await add({ kind: 'hold', times: pages });
  await add({ kind: 'error', status: 429, times: 1 });
  if (held !== null) void letThrough(sandbox, held.id, pages);
}

async function letThrough(sandbox: TestSandbox, id: string, pages: number): Promise<void> {
  for (let left = pages; left > 0; await sleep(2)) {
    // The fault is gone when it was cleared, or the sandbox closed.
    const answer = await sandbox
      .control<{ released: number }>('POST', `faults/${id}/release`)
      .catch(() => null);
    if (answer === null) return;
    left -= answer.released;
  }
}

/** Holds the next list page, before it is made or after, once `skip` pages have passed. */
export async function hold(
  { sandbox }: Bench,
  when: 'before' | 'after',
  skip = 0,
): Promise<{ isHeld(timeoutMs?: number): Promise<void>; release(): Promise<void> }> {
  const add = (fault: object): Promise<{ id: string }> =>
    sandbox.control('POST', 'faults', { path: LIST, kind: 'hold', ...fault });
  if (skip > 0) void letThrough(sandbox, (await add({ times: skip })).id, skip);
  const { id } = await add({ when, times: 1 });
  return {
    async isHeld(timeoutMs = 4_000) {
      for (const began = Date.now(); Date.now() - began < timeoutMs; await sleep(2)) {
        const { faults } = await sandbox.control<{ faults: { id: string; held: number }[] }>('GET', 'faults');
        if (faults.some((fault) => fault.id === id && fault.held > 0)) return;
      }
    },
    async release() {
      for (let released = 0; released === 0; await sleep(2))
        ({ released } = await sandbox.control<{ released: number }>('POST', `faults/${id}/release`));
    },
  };
}
