import { expect, test, vi } from 'vitest';
import { create, created, V1_RUNS, V2_RUNS, v1Input, v2Input } from '../create/operations.js';
import { makeDatabase } from '../support/databases.js';
import { startProgram } from '../support/process.js';
import { until } from '../support/until.js';
import { ACCOUNT, openCluster } from './cluster.js';
import { follow } from './follower.js';
import { quiet } from './traffic.js';
import { verdict } from './verdict.js';

vi.setConfig({ testTimeout: 60_000 });

test.concurrent('a gateway stops within seconds though Stripe answers nothing; the next one goes on with what it was at', async () => {
  await using cluster = await openCluster(await makeDatabase());
  const { sandbox, gateways } = cluster;
  const gateway = await cluster.start();
  const ids = [await cluster.make('V1'), await cluster.make('V2')];
  const followers = ids.map((id) => follow(() => gateways.map(({ url }) => url), id));
  await until(() => followers.every(({ stays }) => stays[0]?.length === 1));
  for (const path of [`${V1_RUNS}*`, `${V2_RUNS}*`, '/v2/core/events'])
    await sandbox.control('POST', 'faults', { kind: 'hold', when: 'after', times: 0, path });
  const inputs = { one: v1Input('one'), two: v2Input('two') };
  const creating = Promise.allSettled(Object.values(inputs).map((input) => create(gateway, input)));
  await cluster.held(4);
  const toldAt = performance.now();
  expect(await gateway.program.end('SIGTERM')).toBe(0);
  expect(performance.now() - toldAt).toBeLessThan(9_000);
  await creating;
  await sandbox.control('DELETE', 'faults');
  await cluster.kill(gateway);
  const next = await cluster.start();
  for (const id of ids) await cluster.finish(id);
  const acknowledged = new Map<string, Set<string>>();
  for (const [key, input] of Object.entries(inputs))
    acknowledged.set(key, new Set([(await created(next, input)).id]));
  await verdict({
    ...cluster,
    account: ACCOUNT,
    traffic: { ...quiet(followers), acknowledged },
    foreign: ids,
  });
});

test.concurrent('a gateway whose database is away says so and ends', async () => {
  const program = startProgram('dist/main.js', {
    STRIPE_API_KEY: 'sk_test_somebody',
    STRIPE_ACCOUNT_ID: 'acct_somebody',
    AUTH_ANONYMOUS: '1',
    PORT: '0',
    DATABASE_URL: 'postgres://me:secret@127.0.0.1:1/reports',
  });
  expect(await program.ended()).toBe(1);
  expect(program.output()).toContain('The database me@127.0.0.1:1/reports cannot be reached');
  expect(program.output()).not.toContain('secret');
});
