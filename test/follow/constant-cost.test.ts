import { expect, onTestFinished, test } from 'vitest';
import { DECODER_VERSION, decodeRun } from '../../src/datasources/decode-run.js';
import { createStripeV2 } from '../../src/datasources/stripe-v2.js';
import { createTransport } from '../../src/datasources/transport.js';
import { openLedger } from '../../src/ledger/ledger.js';
import { openEngine } from '../../src/ledger/open-engine.js';
import { testDatabaseUrl } from '../support/databases.js';
import { startTestGateway, type TestGateway } from '../support/gateway.js';
import { startTestSandbox, type TestSandbox } from '../support/sandbox.js';
import { until } from '../support/until.js';

const RUNS = 1_000;
const sleep = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

async function makeRuns(sandbox: TestSandbox, api: 'V1' | 'V2', status: string): Promise<readonly string[]> {
  const runs = {
    account: 'acct_test',
    api,
    count: RUNS,
    status,
    createdAt: Date.now() - 5_000,
    spacingMs: 500,
  };
  return (await sandbox.control<{ ids: string[] }>('POST', 'runs', runs)).ids;
}

/** Reads the v2 runs into a ledger, as a gateway would have in the minutes since they were created. */
async function remember(sandbox: TestSandbox, database: string, ids: readonly string[]): Promise<void> {
  const engine = await openEngine(database);
  const transport = createTransport({
    apiKey: 'sk_test_test',
    base: new URL(sandbox.origin),
    v2Version: '2026-04-22.dahlia',
  });
  const ledger = await openLedger({
    engine,
    account: 'acct_test:test',
    upstream: sandbox.origin,
    decode: decodeRun,
    decoderVersion: DECODER_VERSION,
    now: () => engine.now(),
  });
  const v2 = createStripeV2(transport);
  for (const id of ids) await ledger.runs.observe([await v2.retrieveRun(id)], { askedAt: engine.now() });
  await transport.close();
  await engine.close();
}

async function follow({ services }: TestGateway, id: string, statuses: string[]): Promise<void> {
  for await (const run of await services.runs.follow(id))
    statuses.push(run instanceof Error ? run.message : run.status);
}

test('a thousand running runs of each API with a follower each cost less than eight calls a second', async () => {
  const database = await testDatabaseUrl();
  const sandbox = await startTestSandbox({ seed: false, runSeconds: 3_600 });
  onTestFinished(() => sandbox.close());
  await sandbox.control('POST', 'settings', { limits: false });
  const v2 = await makeRuns(sandbox, 'V2', 'running');
  await remember(sandbox, database, v2);
  const v1 = await makeRuns(sandbox, 'V1', 'pending');
  const gateway = await startTestGateway({ upstream: sandbox.origin, database });
  onTestFinished(() => gateway.close());
  await until(async () => (await gateway.services.runs.count({ api: 'V1' })) === RUNS, 30_000);
  const seen = new Map([...v1, ...v2].map((id) => [id, [] as string[]]));
  const following = [...seen].map(([id, statuses]) => follow(gateway, id, statuses));
  await until(() => [...seen.values()].every((statuses) => statuses.length > 0), 30_000);
  await sleep(3_000);
  await sandbox.control('DELETE', 'requests');
  const began = Date.now();
  await sleep(10_000);
  const calls = (await sandbox.requests()).length;
  expect(calls / ((Date.now() - began) / 1_000)).toBeLessThan(8);
  expect(calls).toBeGreaterThan(0);
  // And all of them are looked after.
  const ending = [v1[0], v1[499], v1[999], v2[0], v2[999]].map((id) => id ?? '');
  for (const id of ending) await sandbox.control('POST', `runs/${id}/finish`, { outcome: 'succeeded' });
  await until(() => ending.every((id) => seen.get(id)?.at(-1) === 'SUCCEEDED'), 30_000);
  await gateway.close();
  await Promise.all(following);
  expect([...seen.values()].flat().filter((status) => status === 'RUNNING')).toHaveLength(2 * RUNS);
}, 120_000);
