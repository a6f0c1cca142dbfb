import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { onTestFinished } from 'vitest';
import type { Engine } from '../../src/ledger/engine.js';
import { type Ledger, type LedgerOptions, openLedger } from '../../src/ledger/ledger.js';
import { openEngine } from '../../src/ledger/open-engine.js';
import type { JsonObject } from '../../src/models/json.js';
import type { ObservedRun, ReportRun, StripeApi, UnreadableRun } from '../../src/models/report-run.js';
import { testDatabaseUrl } from '../support/databases.js';

export const ACCOUNT = 'acct_1:test';
export const T0 = Date.UTC(2026, 0, 1);

/** What the bodies of these tests hold: a stand-in for an upstream's own words. */
export interface Body extends JsonObject {
  readonly id: string;
  readonly status: string;
  readonly created: number;
  readonly type: string;
  readonly finished: number | null;
  readonly text: string;
}

function body(id: string, status: string, more: Partial<Body> = {}): Body {
  return { created: T0, type: 'balance.summary.1', finished: null, text: '', ...more, id, status };
}

/** The decoder handed to the ledgers of these tests; it knows three words. */
export function decode(api: StripeApi, raw: JsonObject): ObservedRun | UnreadableRun {
  const { id, status, created, type, finished } = raw as Body;
  if (status !== 'RUNNING' && status !== 'SUCCEEDED' && status !== 'FAILED') {
    const reason = `expected a known status, got ${status}`;
    return { unreadable: true, id, api, createdAt: created ?? null, body: raw, reason };
  }
  const base = {
    id,
    livemode: false,
    status,
    createdAt: created,
    finishedAt: finished,
    reportTypeId: type,
  } as const;
  const empty = { result: null, failure: null };
  const times = { intervalStart: null, intervalEnd: null, raw: {} };
  const columns = { columns: null, connectedAccount: null, currency: null, payout: null };
  const run: ReportRun =
    api === 'V1'
      ? {
          ...base,
          ...empty,
          api,
          succeededAt: null,
          parameters: { ...times, ...columns, reportingCategory: null, timezone: null },
        }
      : { ...base, ...empty, api, reportName: type, parameters: times, resultOptions: null };
  return { run, body: raw };
}

function apiOf(id: string): StripeApi {
  return id.startsWith('frr_') ? 'V1' : 'V2';
}

/** What a read of a run gives. */
export function seen(id: string, status: string, more: Partial<Body> = {}): ObservedRun | UnreadableRun {
  return decode(apiOf(id), body(id, status, more));
}

/** A folder that goes when the test ends. */
export function tempFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'ledger-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

/** On the engine of this run, or of the given DATABASE_URL. */
export async function tempEngine(url?: string): Promise<Engine> {
  const engine = await openEngine(url ?? (await testDatabaseUrl()));
  onTestFinished(() => engine.close());
  return engine;
}

export interface TestLedger extends Ledger {
  readonly engine: Engine;
  /** Unix ms, as the ledger sees it; to be set by the test. */
  readonly clock: { now: number };
}

export async function testLedger(options: Partial<LedgerOptions> = {}): Promise<TestLedger> {
  const clock = { now: T0 };
  const engine = options.engine ?? (await tempEngine());
  const ledger = await openLedger({
    account: ACCOUNT,
    upstream: 'https://api.example.test',
    decode,
    decoderVersion: 1,
    now: () => clock.now,
    ...options,
    engine,
  });
  return { ...ledger, engine, clock };
}

/** Whatever fails, as its message. */
export async function messageOf(work: () => unknown): Promise<string> {
  try {
    await work();
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
  throw new Error('expected a failure, and there was none');
}

export interface Child {
  readonly process: ChildProcess;
  /** Every line it has written so far. */
  readonly lines: readonly string[];
  /** Waits until it has written so many lines, or has ended. */
  until(count: number): Promise<void>;
  /** Its exit code, or null if it was killed. */
  readonly ended: Promise<number | null>;
}

const CHILD = fileURLToPath(new URL('./child.mjs', import.meta.url));

/** Starts child.mjs on a DATABASE_URL, in a process of its own; `limit` is the size in blocks of 512 bytes past which it can write no file. */
export function startChild(mode: string, url: string, limit?: number): Child {
  const bound = limit === undefined ? '' : `ulimit -S -f ${limit}; `;
  const child = spawn('sh', ['-c', `${bound}exec "$0" "$@"`, process.execPath, CHILD, mode, url], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const lines: string[] = [];
  const waiting = new Set<() => void>();
  const wake = (): void => {
    for (const check of waiting) check();
  };
  createInterface({ input: child.stdout }).on('line', (line) => {
    lines.push(line);
    wake();
  });
  let over = false;
  const ended = new Promise<number | null>((resolve) => {
    child.on('close', (code) => {
      over = true;
      wake();
      resolve(code);
    });
  });
  onTestFinished(async () => {
    child.kill('SIGKILL');
    await ended;
  });
  const until = (count: number): Promise<void> =>
    new Promise((resolve) => {
      const check = (): void => {
        if (lines.length < count && !over) return;
        waiting.delete(check);
        resolve();
      };
      waiting.add(check);
      check();
    });
  return { process: child, lines, until, ended };
}
