import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { pino } from 'pino';
import { DECODER_VERSION, decodeRun } from '../../src/datasources/decode-run.js';
import { createStripeV1 } from '../../src/datasources/stripe-v1.js';
import { createStripeV2 } from '../../src/datasources/stripe-v2.js';
import { createTransport } from '../../src/datasources/transport.js';
import { type Engine, LedgerError } from '../../src/ledger/engine.js';
import type { Held, Intents } from '../../src/ledger/intents.js';
import { openLedger, type Ledger } from '../../src/ledger/ledger.js';
import { openSqlite } from '../../src/ledger/sqlite.js';
import type { CreateReportRunRequest } from '../../src/models/create-report-run.js';
import { GatewayError } from '../../src/models/errors.js';
import { systemClock } from '../../src/watch/clock.js';
import { createWatch } from '../../src/watch/watch.js';
import { startTestSandbox, type TestSandbox } from '../support/sandbox.js';
import { until, upstreamIds } from './operations.js';

export const MINUTE = 60_000;
export const HOUR = 60 * MINUTE;
export const DAY = 24 * HOUR;

/** Shared by the sandbox and the gateway; only a test moves it. */
interface Clock {
  now: number;
}

/** What a create came to: the run's id, the words of the refusals, or the error. */
export type Result = string | readonly string[] | GatewayError;

/** The part of the gateway that creates, over a real ledger and a real sandbox, at a time of its own. */
export interface Creates {
  create(request: CreateReportRunRequest, key: string): Promise<Result>;
  ledger(): Ledger;
  /** While true, nothing can be written to the ledger. */
  breakLedger(broken: boolean): void;
  /** Another process takes over the ledger; it begins with what was left open. */
  restart(): Promise<void>;
  /** Resolves when what the last restart began with has been tried: time must not jump while a POST is on its way. */
  tried(): Promise<void>;
  upstreamIds(): Promise<string[]>;
  close(): Promise<void>;
}

export interface ClockedSandbox extends TestSandbox {
  readonly clock: Clock;
}

export async function startClockedSandbox(random?: () => number): Promise<ClockedSandbox> {
  const clock = { now: Date.UTC(2026, 10, 20, 9, 30) };
  const sandbox = await startTestSandbox({
    seed: false,
    runSeconds: 86_400,
    now: () => clock.now,
    ...(random === undefined ? {} : { random }),
  });
  await sandbox.control('POST', 'settings', { limits: false, lateRunsMs: 0, v2ConcurrentRuns: 1_000 });
  return { ...sandbox, clock };
}

/** `createMs` is the deadline of a POST. `acct_<name>` is the account. */
export async function openCreates(
  sandbox: ClockedSandbox,
  name = 'test',
  { createMs = 300 } = {},
): Promise<Creates> {
  const { clock } = sandbox;
  const folder = await mkdtemp(join(tmpdir(), 'creates-'));
  const now = (): number => clock.now;
  const log = pino({ level: 'silent' });
  const account = `acct_${name}:test`;
  const state = { broken: false, ended: new Set<string>() };

  async function open() {
    const engine = breakable(openSqlite(join(folder, 'ledger.db')), state);
    const transport = createTransport({
      apiKey: `sk_test_${name}`,
      base: new URL(sandbox.origin),
      v2Version: '2026-04-22.dahlia',
      timeouts: { create: createMs },
    });
    const opened = await openLedger({
      engine,
      account,
      upstream: sandbox.origin,
      decode: decodeRun,
      decoderVersion: DECODER_VERSION,
      now,
    });
    const ledger = { ...opened, intents: telling(opened.intents, state.ended) };
    const watch = createWatch({
      account,
      ledger,
      onNotify: engine.onNotify.bind(engine),
      onGap: engine.onGap.bind(engine),
      isShared: engine.isShared,
      v1: createStripeV1(transport),
      v2: createStripeV2(transport),
      log,
      // Its pauses are not what is tested here.
      clock: { ...systemClock(now), wait: (ms) => sleep(ms / 50) },
      random: () => 0,
      webhooks: false,
    });
    return {
      ledger,
      watch,
      async close() {
        await watch.close();
        await transport.close();
        await engine.close();
      },
    };
  }

  let gateway = await open();
  let left: readonly string[] = [];

  return {
    async create(request, key) {
      try {
        const { reportRun, userErrors } = await gateway.watch.creates.create(request, key);
        return reportRun?.id ?? userErrors.map(({ message }) => message);
      } catch (error) {
        if (error instanceof GatewayError) return error;
        throw error;
      }
    },
    ledger: () => gateway.ledger,
    breakLedger(broken) {
      state.broken = broken;
    },
    async restart() {
      await gateway.close();
      gateway = await open();
      left = (await gateway.ledger.intents.list(['pending'], 1_000)).map(({ key }) => key);
      state.ended.clear();
      gateway.watch.start();
    },
    async tried() {
      await until(() => Promise.resolve(left.every((key) => state.ended.has(key))));
      left = [];
    },
    upstreamIds: () => upstreamIds(sandbox, `acct_${name}`),
    async close() {
      await gateway.close();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

/** The real engine, but for the time in which its disk is full. */
function breakable(engine: Engine, state: { readonly broken: boolean }): Engine {
  return {
    ...engine,
    tx: (work) =>
      state.broken ? Promise.reject(new LedgerError('The disk of the ledger is full.')) : engine.tx(work),
  };
}

/** The real intents, which put the keys of those whose attempt has ended into `ended`. */
function telling(intents: Intents, ended: Set<string>): Intents {
  const told = <Answer>({ key }: Held, work: Promise<Answer>): Promise<Answer> =>
    work.finally(() => ended.add(key));
  return {
    ...intents,
    finish: (held, observed) => told(held, intents.finish(held, observed)),
    adopt: (held, observed) => told(held, intents.adopt(held, observed)),
    close: (held, error) => told(held, intents.close(held, error)),
    postpone: (held, due, error) => told(held, intents.postpone(held, due, error)),
    giveUp: (held, error) => told(held, intents.giveUp(held, error)),
  };
}

export function v1Request(currency: string): CreateReportRunRequest & { readonly api: 'V1' } {
  const parameters = { interval_start: 1_704_067_200, interval_end: 1_706_745_600, currency };
  return { api: 'V1', reportType: 'balance.summary.1', parameters };
}

export function v2Request(currency: string): CreateReportRunRequest {
  const interval = { interval_start: '2024-01-01T00:00:00Z', interval_end: '2024-02-01T00:00:00Z' };
  return {
    api: 'V2',
    report: 'report_test_balance_summary',
    parameters: { ...interval, currency },
    compressFile: null,
  };
}
