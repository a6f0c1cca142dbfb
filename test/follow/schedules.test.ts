import * as fc from 'fast-check';
import { createClient } from 'graphql-ws';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { WebSocket } from 'ws';
import { startTestGateway, type TestGateway } from '../support/gateway.js';
import { startTestSandbox, type TestSandbox } from '../support/sandbox.js';

const UPDATED = 'subscription ($id: ID!) { reportRunUpdated(id: $id) { status } }';
const ACCOUNT = 'acct_schedules';

let sandbox: TestSandbox;
let gateway: TestGateway;
let socket: ReturnType<typeof createClient>;

beforeAll(async () => {
  sandbox = await startTestSandbox({ seed: false });
  gateway = await startTestGateway({ upstream: sandbox.origin, apiKey: 'sk_test_schedules' });
  socket = createClient({ url: gateway.url.replace('http', 'ws'), webSocketImpl: WebSocket });
});

afterAll(async () => {
  await socket?.dispose();
  await gateway?.close();
  await sandbox?.close();
});

const sleep = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

/** One run: when it ends and how, when subscribers come, and when somebody just looks, ms from the start. */
const plan = fc.record({
  api: fc.constantFrom('V1' as const, 'V2' as const),
  outcome: fc.constantFrom('succeeded' as const, 'failed' as const),
  endsAt: fc.integer({ min: 0, max: 900 }),
  subscribersAt: fc.array(fc.integer({ min: 0, max: 1_200 }), { minLength: 1, maxLength: 4 }),
  readsAt: fc.array(fc.integer({ min: 0, max: 1_200 }), { maxLength: 2 }),
});
type Plan = typeof plan extends fc.Arbitrary<infer Value> ? Value : never;

async function follow(id: string, at: number): Promise<string[]> {
  await sleep(at);
  const seen: string[] = [];
  const updates = socket.iterate<{ reportRunUpdated: { status: string } }>({
    query: UPDATED,
    variables: { id },
  });
  for await (const { data } of updates) if (data) seen.push(data.reportRunUpdated.status);
  return seen;
}

async function look(id: string, at: number): Promise<void> {
  await sleep(at);
  await gateway.query('query ($id: ID!) { reportRun(id: $id) { status } }', { id });
}

async function live({ api, outcome, endsAt, subscribersAt, readsAt }: Plan): Promise<string[][]> {
  const status = api === 'V1' ? 'pending' : 'running';
  const { ids } = await sandbox.control<{ ids: string[] }>('POST', 'runs', {
    account: ACCOUNT,
    api,
    count: 1,
    status,
  });
  const [id = ''] = ids;
  const end = async (): Promise<void> => {
    await sleep(endsAt);
    await sandbox.control('POST', `runs/${id}/finish`, { outcome });
  };
  const [sequences] = await Promise.all([
    Promise.all(subscribersAt.map((at) => follow(id, at))),
    end(),
    ...readsAt.map((at) => look(id, at)),
  ]);
  return sequences;
}

test('whenever runs end and whoever else looks: each subscriber sees each state once, in order, to the end', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(plan, { minLength: 1, maxLength: 4 }), async (plans) => {
      const lives = await Promise.all(plans.map(live));
      for (const [index, sequences] of lives.entries()) {
        const ended = plans[index]?.outcome.toUpperCase();
        for (const seen of sequences) expect([['RUNNING', ended], [ended]]).toContainEqual(seen);
      }
    }),
    { numRuns: 8 },
  );
}, 60_000);
