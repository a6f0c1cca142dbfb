import { createClient } from 'graphql-ws';
import { afterEach, beforeEach, expect, onTestFinished, test, vi } from 'vitest';
import { WebSocket } from 'ws';
import { created, listedIds, v1Input, v2Input } from '../create/operations.js';
import { makeDatabase } from '../support/databases.js';
import { startTestGateway, type TestGateway } from '../support/gateway.js';
import { startTestSandbox, type TestSandbox } from '../support/sandbox.js';
import { until } from '../support/until.js';
import { ACCOUNT, clockOff, openCluster } from './cluster.js';
import { follow } from './follower.js';
import { quiet } from './traffic.js';
import { verdict } from './verdict.js';

vi.setConfig({ testTimeout: 60_000 });

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;

/** How much later it is than it is, ms: for the gateway and the sandbox, both in this process. */
let later = 0;

beforeEach(() => {
  const { now } = Date;
  later = 0;
  vi.spyOn(Date, 'now').mockImplementation(() => now() + later);
});

afterEach(() => void vi.restoreAllMocks());

async function setUp(): Promise<{ sandbox: TestSandbox; gateway: TestGateway }> {
  const sandbox = await startTestSandbox({ seed: false, runSeconds: 86_400 });
  onTestFinished(() => sandbox.close());
  await sandbox.control('POST', 'settings', { lateRunsMs: 0, lateEventsMs: 0, v2ConcurrentRuns: 100 });
  const gateway = await startTestGateway({ upstream: sandbox.origin, apiKey: 'sk_test_x' });
  onTestFinished(() => gateway.close());
  return { sandbox, gateway };
}

test.each([
  ['v1', v1Input],
  ['v2', v2Input],
])(
  '%s: a run that Stripe has forgotten ends for its subscribers when it was not there three times over five minutes',
  async (_api, input) => {
    const { sandbox, gateway } = await setUp();
    const { id } = await created(gateway, input(null));
    const client = createClient({ url: gateway.url.replace('http', 'ws'), webSocketImpl: WebSocket });
    onTestFinished(() => client.dispose());
    const told: unknown[] = [];
    let isOver = false;
    client.subscribe(
      { query: 'subscription ($id: ID!) { reportRunUpdated(id: $id) { status } }', variables: { id } },
      {
        next: ({ data, errors }) =>
          told.push(errors?.[0]?.extensions?.['code'] ?? data?.['reportRunUpdated']),
        error: (error) => told.push(error),
        complete: () => {
          isOver = true;
        },
      },
    );
    await until(() => told.length === 1);
    await sandbox.control('DELETE', `runs?account=${ACCOUNT}`);
    for (const pass of [0, 3 * MINUTE, 3 * MINUTE]) {
      expect(isOver).toBe(false);
      await sandbox.control('DELETE', 'requests');
      later += pass;
      // A new run has the feed look at once.
      await created(gateway, input(null));
      await until(async () =>
        (await sandbox.requests()).some(({ path, status }) => path.endsWith(id) && status === 404),
      );
    }
    await until(() => isOver);
    expect(told).toEqual([{ status: 'RUNNING' }, 'NOT_FOUND']);
  },
);

test('a v2 run of others whose events come ten minutes late is found by the overlap, and a later one by the next sweep', async () => {
  const { sandbox, gateway } = await setUp();
  await until(async () => (await sandbox.requests()).some(({ path }) => path === '/v2/core/events'));
  const make = async (lateMs: number): Promise<string> => {
    const wanted = { account: ACCOUNT, api: 'V2', count: 1, status: 'running', lateMs };
    return (await sandbox.control<{ ids: string[] }>('POST', 'runs', wanted)).ids[0] ?? '';
  };
  const late = await make(9.9 * MINUTE);
  const tooLate = await make(20 * MINUTE);
  for (let passed = 0; passed < 9; passed += 3) {
    // Each read of the list moves the cursor of events on.
    expect(await listedIds(gateway)).toEqual([]);
    later += 3 * MINUTE;
  }
  expect(await listedIds(gateway)).toEqual([]);
  later += MINUTE;
  await until(async () => (await listedIds(gateway)).includes(late));
  later += 49 * HOUR;
  await until(async () => (await listedIds(gateway)).includes(tooLate));
  expect(await listedIds(gateway)).toEqual([late, tooLate].sort());
});

test('a gateway that starts on a ledger written by a clock an hour fast follows its runs at once', async () => {
  await using cluster = await openCluster(await makeDatabase(), { runSeconds: 600 });
  const fast = await cluster.start(clockOff(HOUR));
  const acknowledged = new Map([
    ['one', new Set([(await created(fast, v1Input('one'))).id])],
    ['two', new Set([(await created(fast, v2Input('two'))).id])],
  ]);
  const ids = [...acknowledged.values()].flatMap((known) => [...known]);
  const followers = ids.map((id) => follow(() => cluster.gateways.map(({ url }) => url), id));
  await until(() => followers.every(({ stays }) => stays[0]?.length === 1));
  await new Promise((resolve) => setTimeout(resolve, 1_500));
  await cluster.kill(fast);
  const right = await cluster.start();
  expect((await created(right, v1Input('one'))).id).toBe(ids[0]);
  await until(() => followers.every(({ stays }) => stays.length > 1 && stays.at(-1)?.length === 1));
  for (const id of ids) await cluster.finish(id);
  await verdict({ ...cluster, account: ACCOUNT, traffic: { ...quiet(followers), acknowledged } });
});
