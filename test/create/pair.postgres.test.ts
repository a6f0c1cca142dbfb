import { expect, test } from 'vitest';
import { startTestGateway, type TestGateway } from '../support/gateway.js';
import { testPostgresUrl } from '../support/databases.js';
import { startTestSandbox, type TestSandbox } from '../support/sandbox.js';
import {
  create,
  created,
  type Endpoint,
  until,
  upstreamIds,
  V1_RUNS,
  V2_RUNS,
  v1Input,
  v2Input,
} from './operations.js';
import { Processes } from './processes.js';

interface Scene extends AsyncDisposable {
  readonly sandbox: TestSandbox;
  readonly gateways: readonly [TestGateway, TestGateway];
}

/** Two gateways on one database. */
async function openScene(): Promise<Scene> {
  const database = await testPostgresUrl();
  const sandbox = await startTestSandbox({ seed: false, runSeconds: 3600 });
  const start = () => startTestGateway({ upstream: sandbox.origin, database });
  const gateways = [await start(), await start()] as const;
  return {
    sandbox,
    gateways,
    async [Symbol.asyncDispose]() {
      await Promise.all(gateways.map((gateway) => gateway.close()));
      await sandbox.close();
    },
  };
}

const APIS = [
  { api: 'v1', input: v1Input, path: V1_RUNS },
  { api: 'v2', input: v2Input, path: V2_RUNS },
] as const;

test.each(APIS)('$api: twenty mutations with one key on two gateways are one run', async ({ input }) => {
  await using scene = await openScene();
  const { sandbox, gateways } = scene;
  const all = Array.from({ length: 20 }, (_, index) =>
    created(gateways[index % 2] ?? gateways[0], input('same')),
  );
  const ids = new Set((await Promise.all(all)).map(({ id }) => id));
  expect(await upstreamIds(sandbox, 'acct_test')).toEqual([...ids]);
  expect(ids.size).toBe(1);
});

test.each(APIS)(
  '$api: while the first POST is in flight the second gateway waits, and gets its run',
  async ({ input, path }) => {
    await using scene = await openScene();
    const { sandbox, gateways } = scene;
    const { id: fault } = await sandbox.control<{ id: string }>('POST', 'faults', {
      method: 'POST',
      path,
      kind: 'hold',
      when: 'after',
    });
    const first = created(gateways[0], input('held'));
    await until(async () => (await upstreamIds(sandbox, 'acct_test')).length === 1);
    const second = created(gateways[1], input('held'));
    await until(async () => (await sandbox.requests()).some(({ status }) => status === 409));
    await sandbox.control('POST', `faults/${fault}/release`);
    expect([(await first).id, (await second).id]).toEqual(
      Array(2).fill((await upstreamIds(sandbox, 'acct_test'))[0]),
    );
  },
);

test('a run that ends on one gateway lets a create on the other through', async () => {
  await using scene = await openScene();
  const { sandbox, gateways } = scene;
  await sandbox.control('POST', 'settings', { v2ConcurrentRuns: 1 });
  const first = await created(gateways[0], v2Input('first'));
  const { v2 } = v2Input('second') as { v2: object };
  const second = created(gateways[1], { v2: { ...v2, waitForSlot: 20 } });
  await until(async () => (await sandbox.requests()).some(({ status }) => status === 429));
  await sandbox.control('POST', `runs/${first.id}/finish`, { outcome: 'succeeded' });
  const { id } = await second;
  expect(await upstreamIds(sandbox, 'acct_test')).toEqual([first.id, id].sort());
});

test('what a gateway was killed over is given by the other to whoever repeats the mutation', async () => {
  const database = await testPostgresUrl();
  await using processes = new Processes();
  const sandbox = await processes.sandbox();
  const [one, two] = await Promise.all([1, 2].map(() => processes.gateway(sandbox.origin, database)));
  if (one === undefined || two === undefined) throw new Error('two gateways were asked for');
  for (const { path } of APIS) {
    await sandbox.control('POST', 'faults', { method: 'POST', path, kind: 'hold', when: 'after' });
  }
  for (const { api, input } of APIS) create(one, input(`killed ${api}`)).catch(() => {});
  await until(async () => (await upstreamIds(sandbox, 'acct_x')).length === 2);
  await one.kill();
  await sandbox.control('DELETE', 'faults');
  const ids: string[] = [];
  for (const { api, input } of APIS) ids.push(await repeated(two, input(`killed ${api}`)));
  expect(ids.sort()).toEqual(await upstreamIds(sandbox, 'acct_x'));
});

/** The request that the dead gateway left may still hold its key for a while. */
async function repeated(gateway: Endpoint, input: object): Promise<string> {
  await until(async () => (await create(gateway, input)).errors === undefined);
  return (await created(gateway, input)).id;
}
