import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pino } from 'pino';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { createStripeV1, type StripeV1 } from '../../src/datasources/stripe-v1.js';
import { createStripeV2, type StripeV2 } from '../../src/datasources/stripe-v2.js';
import { createTransport, type Transport } from '../../src/datasources/transport.js';
import { openBuckets } from '../../src/ledger/buckets.js';
import type { Engine } from '../../src/ledger/engine.js';
import { migrate } from '../../src/ledger/migrations.js';
import { openSqlite } from '../../src/ledger/sqlite.js';
import { UpstreamError } from '../../src/models/errors.js';
import { Budget } from '../../src/watch/budget.js';
import { systemClock } from '../../src/watch/clock.js';
import { startTestSandbox, type TestSandbox } from '../support/sandbox.js';

const RUN = '/v1/reporting/report_runs/frr_1none';

let sandbox: TestSandbox;
let folder: string;
let engine: Engine;
let transport: Transport;
let v1: StripeV1;
let v2: StripeV2;

beforeAll(async () => {
  sandbox = await startTestSandbox();
});
afterAll(() => sandbox.close());

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'budget-'));
  engine = openSqlite(join(folder, 'ledger.db'));
  const now = (): number => engine.now();
  await migrate(engine, now);
  const account = 'acct_test:test';
  const admission = new Budget({
    account,
    buckets: openBuckets(engine, account),
    monthlyReads: null,
    clock: systemClock(now),
    log: pino({ level: 'silent' }),
  });
  const v2Version = '2026-04-22.dahlia';
  transport = createTransport({
    apiKey: 'sk_test_test',
    base: new URL(sandbox.origin),
    v2Version,
    admission,
  });
  v1 = createStripeV1(transport);
  v2 = createStripeV2(transport);
  await sandbox.control('DELETE', 'requests');
});

afterEach(async () => {
  await sandbox.control('DELETE', 'faults');
  await transport.close();
  await engine.close();
  await rm(folder, { recursive: true, force: true });
});

/** The next request for the run is refused. */
function refuse(fault: object): Promise<unknown> {
  return sandbox.control('POST', 'faults', { path: RUN, kind: 'error', status: 429, ...fault });
}

async function failure(work: Promise<unknown>): Promise<UpstreamError> {
  const error = await work.then(
    () => new Error('expected a failure, and there was none'),
    (reason: unknown) => reason,
  );
  if (error instanceof UpstreamError) return error;
  throw error;
}

/** How much later, ms, than the first request for the run the first one of each kind came. */
async function delays(): Promise<Record<string, number>> {
  const requests = await sandbox.requests();
  const first = requests.find(({ path }) => path === RUN)?.at ?? 0;
  const others = requests
    .filter(({ path }) => path !== RUN)
    .map(({ path, at }) => [path, at - first] as const);
  const again = requests.filter(({ path }) => path === RUN).map(({ at }) => at - first);
  return { again: again[1] ?? Number.NaN, ...Object.fromEntries(others) };
}

async function askAround(): Promise<UpstreamError> {
  const first = failure(v1.retrieveRun('frr_1none'));
  // The refusal has to be known before the others ask.
  await new Promise((resolve) => setTimeout(resolve, 200));
  await Promise.all([v1.listRuns(), v2.listEvents({ createdFrom: 0 })]);
  return first;
}

const LIST = '/v1/reporting/report_runs';
const EVENTS = '/v2/core/events';

describe('a 429', () => {
  test.each(['endpoint-rate', 'endpoint-concurrency', null])(
    'for %s holds its endpoint back for a second, no other, and the call is repeated then',
    async (reason) => {
      await refuse({ headers: reason === null ? {} : { 'Stripe-Rate-Limited-Reason': reason } });
      expect(await askAround()).toMatchObject({ kind: 'not_found' });
      const { again, [LIST]: list, [EVENTS]: events } = await delays();
      expect(again).toBeGreaterThanOrEqual(1_000);
      expect(list).toBeLessThan(900);
      expect(events).toBeLessThan(900);
    },
  );

  test.each(['global-rate', 'global-concurrency'])(
    'for %s holds all endpoints back for a second',
    async (reason) => {
      await refuse({ headers: { 'Stripe-Rate-Limited-Reason': reason } });
      expect(await askAround()).toMatchObject({ kind: 'not_found' });
      for (const delay of Object.values(await delays())) expect(delay).toBeGreaterThanOrEqual(1_000);
    },
  );

  test.each([
    ['a lock', { body: { error: { code: 'lock_timeout', message: 'Locked.' } } }],
    ['one object', { headers: { 'Stripe-Rate-Limited-Reason': 'resource-specific' } }],
  ])('for %s holds nothing back, and is told at once', async (_, fault) => {
    await refuse(fault);
    expect(await askAround()).toMatchObject({ kind: 'rate_limited', retryAfter: 1 });
    const { again, [LIST]: list } = await delays();
    expect(again).toBeNaN();
    expect(list).toBeLessThan(900);
    expect(await failure(v1.retrieveRun('frr_1none'))).toMatchObject({ kind: 'not_found' });
  });

  test('for too many runs at once holds no create back', async () => {
    const body = { error: { type: 'rate_limit', code: 'report_run_rate_limit_exceeded', message: 'Wait.' } };
    await sandbox.control('POST', 'faults', { method: 'POST', kind: 'error', status: 429, body, times: 1 });
    const request = { api: 'V2', report: 'report_none', parameters: {}, compressFile: null } as const;
    const error = await failure(v2.createRun(request, 'key_1'));
    expect(error).toMatchObject({
      code: 'report_run_rate_limit_exceeded',
      message: 'Wait.',
      retryAfter: null,
    });
    const started = performance.now();
    expect(await failure(v2.createRun(request, 'key_1'))).toMatchObject({ kind: 'invalid' });
    expect(performance.now() - started).toBeLessThan(900);
  });

  test('with Retry-After holds back for as long as it says; who cannot wait so long is told when to come again', async () => {
    await refuse({ headers: { 'Retry-After': '5' } });
    const started = performance.now();
    const expected = { kind: 'rate_limited', effect: 'none', retryAfter: 5 };
    const first = await failure(v1.retrieveRun('frr_1none'));
    expect(first).toMatchObject({ ...expected, status: 429, requestId: expect.stringMatching(/^req_/) });
    expect(first.message).toMatch(/ Try again in 5 s\.$/);
    expect(await failure(v1.retrieveRun('frr_1none'))).toMatchObject({ ...expected, status: null });
    expect(performance.now() - started).toBeLessThan(1_500);
    expect(await sandbox.requests()).toHaveLength(1);
  });

  test('that comes again is not waited out twice, and the next pause is longer', async () => {
    await refuse({ times: 2 });
    expect(await failure(v1.retrieveRun('frr_1none'))).toMatchObject({ kind: 'rate_limited', retryAfter: 2 });
    expect(await sandbox.requests()).toHaveLength(2);
  });

  test('to a create is repeated once under the same key, since it had no effect', async () => {
    await sandbox.control('POST', 'faults', { method: 'POST', kind: 'error', status: 429 });
    const parameters = { interval_start: 1_704_067_200, interval_end: 1_706_745_600 };
    const request = { api: 'V1', reportType: 'balance.summary.1', parameters } as const;
    expect(await v1.createRun(request, 'key_1')).toMatchObject({ observed: { run: { status: 'RUNNING' } } });
    expect((await sandbox.requests()).map(({ status, idempotencyKey }) => [status, idempotencyKey])).toEqual([
      [429, 'key_1'],
      [200, 'key_1'],
    ]);
  });
});

test('each attempt counts, the second one of a read too', async () => {
  await sandbox.control('POST', 'faults', { path: RUN, kind: 'reset', times: 1 });
  await failure(v1.retrieveRun('frr_1none'));
  await v1.as('rest').listRuns();
  expect(await engine.query('select reads from usage')).toEqual([{ reads: 3 }]);
});
