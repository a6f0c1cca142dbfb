import { setTimeout as sleep } from 'node:timers/promises';
import { join } from 'node:path';
import { expect, type TestContext, test } from 'vitest';
import { UpstreamError } from '../../src/models/errors.js';
import { systemClock } from '../../src/watch/clock.js';
import { Slots } from '../../src/watch/slots.js';
import { testLedger } from '../ledger/support.js';
import { type GraphQLAnswer, startTestGateway, type TestGateway } from '../support/gateway.js';
import { startTestSandbox, type TestSandbox } from '../support/sandbox.js';
import { created, type Endpoint, until, upstreamIds, V2_RUNS, v2Input } from './operations.js';
import { Processes } from './processes.js';

const LIMITED = `mutation ($input: CreateReportRunInput!) {
  createReportRun(input: $input) {
    reportRun { id }
    userErrors { __typename path ... on ConcurrentRunLimitError { runsInProgress } }
  }
}`;

interface Limited {
  readonly createReportRun: {
    readonly reportRun: { readonly id: string } | null;
    readonly userErrors: readonly object[];
  };
}

/** A mutation that waits so many seconds for a slot. */
function createIn(gateway: Endpoint, key: string, waitForSlot: number): Promise<GraphQLAnswer<Limited>> {
  const { v2 } = v2Input(key) as { v2: object };
  return gateway.query<Limited>(LIMITED, { input: { v2: { ...v2, waitForSlot } } });
}

async function runOf(answer: Promise<GraphQLAnswer<Limited>>): Promise<string> {
  const { data, errors } = await answer;
  expect(errors).toBeUndefined();
  expect(data?.createReportRun.userErrors).toEqual([]);
  return data?.createReportRun.reportRun?.id ?? '';
}

function refused(runsInProgress: number): object {
  const userErrors = [{ __typename: 'ConcurrentRunLimitError', path: null, runsInProgress }];
  return { data: { createReportRun: { reportRun: null, userErrors } } };
}

function finish(sandbox: TestSandbox, id: string): Promise<unknown> {
  return sandbox.control('POST', `runs/${id}/finish`, { outcome: 'succeeded' });
}

/** The upstream keys and answers of the POSTs so far. */
async function posts(sandbox: TestSandbox): Promise<{ key: string | null; status: number }[]> {
  return (await sandbox.requests())
    .filter(({ method, path }) => method === 'POST' && path === V2_RUNS)
    .map(({ idempotencyKey, status }) => ({ key: idempotencyKey, status }));
}

async function open(
  { onTestFinished }: TestContext,
  slots: number,
): Promise<{ sandbox: TestSandbox; gateway: TestGateway }> {
  const sandbox = await startTestSandbox({ seed: false, runSeconds: 3600 });
  onTestFinished(() => sandbox.close());
  await sandbox.control('POST', 'settings', { v2ConcurrentRuns: slots });
  const gateway = await startTestGateway({ upstream: sandbox.origin });
  onTestFinished(() => gateway.close());
  return { sandbox, gateway };
}

test.concurrent('without waiting, the limit says how many runs are in progress, also when one of them has just ended', async (context) => {
  const { sandbox, gateway } = await open(context, 2);
  const first = await created(gateway, v2Input('first'));
  await created(gateway, v2Input('second'));
  expect(await createIn(gateway, 'third', 0)).toEqual(refused(2));
  await finish(sandbox, first.id);
  await sandbox.control('POST', 'settings', { v2ConcurrentRuns: 1 });
  await sleep(1_050);
  expect(await createIn(gateway, 'third', 0)).toEqual(refused(1));
});

test.concurrent('a mutation that waits gets the slot of the run that ends, under one upstream key', async (context) => {
  const { sandbox, gateway } = await open(context, 1);
  const first = await created(gateway, v2Input('first'));
  const second = runOf(createIn(gateway, 'second', 20));
  await until(async () => (await posts(sandbox)).some(({ status }) => status === 429));
  await finish(sandbox, first.id);
  const id = await second;
  expect(await upstreamIds(sandbox, 'acct_test')).toEqual([first.id, id].sort());
  const tried = (await posts(sandbox)).slice(1);
  expect(new Set(tried.map(({ key }) => key)).size).toBe(1);
  expect(tried.at(-1)?.status).toBe(200);
});

test.concurrent('of those that wait only the first in line asks, and each end lets one of them through, in order', async (context) => {
  const { sandbox, gateway } = await open(context, 1);
  let last = (await created(gateway, v2Input('first'))).id;
  const through: string[] = [];
  const waiting: Promise<string>[] = [];
  for (const key of ['a', 'b', 'c', 'd']) {
    const run = runOf(createIn(gateway, key, 30));
    waiting.push(run);
    void run.then(() => through.push(key));
    await sleep(100);
  }
  await until(async () => (await posts(sandbox)).length > 1);
  for (const run of waiting) {
    await finish(sandbox, last);
    last = await run;
  }
  expect(through).toEqual(['a', 'b', 'c', 'd']);
  const granted = (await posts(sandbox)).filter(({ status }) => status === 200).map(({ key }) => key);
  // Nobody asks before it is its turn: after the POST of one has succeeded come the POSTs of the next alone.
  const order = (await posts(sandbox)).map(({ key }) => granted.indexOf(key));
  expect(order).toEqual(order.toSorted((a, b) => a - b));
});

test.concurrent('where no slot comes in time the intent is closed, and its key is free', async (context) => {
  const { sandbox, gateway } = await open(context, 1);
  const first = await created(gateway, v2Input('first'));
  const began = Date.now();
  expect(await createIn(gateway, 'second', 1)).toEqual(refused(1));
  expect(Date.now() - began).toBeGreaterThanOrEqual(1_000);
  await finish(sandbox, first.id);
  const { id } = await created(gateway, v2Input('second', { currency: 'eur' }));
  expect(await upstreamIds(sandbox, 'acct_test')).toEqual([first.id, id].sort());
});

test.concurrent('a gateway that shuts down keeps nobody waiting', async (context) => {
  const { sandbox, gateway } = await open(context, 1);
  await created(gateway, v2Input('first'));
  const second = createIn(gateway, 'second', 30);
  await until(async () => (await posts(sandbox)).length > 1);
  await gateway.close();
  expect(await second).toEqual(refused(1));
});

test.concurrent('killed while it waits, a create is tried once more: with a slot it gets its run, without one its key is free', async () => {
  await using processes = new Processes();
  const sandbox = await processes.sandbox();
  await sandbox.control('POST', 'settings', { v2ConcurrentRuns: 1 });
  const ledgerFile = join(await processes.folder(), 'ledger.db');
  let gateway = await processes.gateway(sandbox.origin, ledgerFile);
  const first = await created(gateway, v2Input('first'));

  const restart = async (key: string): Promise<void> => {
    const before = (await posts(sandbox)).length;
    createIn(gateway, key, 30).catch(() => {});
    await until(async () => (await posts(sandbox)).length > before);
    await gateway.kill();
    if (key === 'free') await finish(sandbox, first.id);
    const killed = (await posts(sandbox)).length;
    gateway = await processes.gateway(sandbox.origin, ledgerFile);
    await until(async () => (await posts(sandbox)).length > killed);
  };

  await restart('full');
  // Another input under the same key: the intent was closed.
  expect(await createIn(gateway, 'full', 0)).toEqual(refused(1));
  await restart('free');
  const ids = await upstreamIds(sandbox, 'acct_x');
  expect(ids).toHaveLength(2);
  expect([first.id, await runOf(createIn(gateway, 'free', 0))].sort()).toEqual(ids);
});

test('while the ledger cannot be read, who waits for a slot goes on waiting', async () => {
  const ledger = await testLedger();
  let isAway = false;
  const running: typeof ledger.runs.running = (api, options) =>
    isAway ? Promise.reject(new Error('the ledger is away')) : ledger.runs.running(api, options);
  const slots = new Slots({
    ledger: { ...ledger, runs: { ...ledger.runs, running } },
    followers: { add: () => () => {} },
    clock: systemClock(Date.now),
  });
  const refusal = new UpstreamError('rate_limited', 'Too many run.', {
    code: 'report_run_rate_limit_exceeded',
  });
  let posts = 0;
  const waiting = slots.through(Date.now() + 20_000, async () => {
    posts += 1;
    if (posts === 1) throw refusal;
    return 'started';
  });
  await until(() => Promise.resolve(posts === 1));
  isAway = true;
  await slots.look();
  isAway = false;
  expect(await waiting).toBe('started');
});
