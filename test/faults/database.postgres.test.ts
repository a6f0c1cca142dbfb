import { expect, inject, test, vi } from 'vitest';
import { makePostgresDatabase } from '../support/databases.js';
import { startPostgres } from '../support/postgres-server.js';
import { startProxy } from '../support/tcp-proxy.js';
import { until } from '../support/until.js';
import { ACCOUNT, openCluster } from './cluster.js';
import { follow } from './follower.js';
import { quiet, startTraffic } from './traffic.js';
import { verdict } from './verdict.js';

vi.setConfig({ testTimeout: 60_000 });

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

test.concurrent('a Postgres that is restarted, and one that is killed, while clients create, list and follow', async () => {
  const server = await startPostgres();
  await using cluster = await openCluster({ url: server.url, drop: () => server.close() });
  await Promise.all([cluster.start(), cluster.start()]);
  const traffic = startTraffic(() => cluster.gateways);
  for (const blow of [() => server.shutDown(), () => server.kill(), () => server.kill()]) {
    await pause(1_500);
    await blow();
    await pause(700);
    await server.start();
  }
  await pause(1_000);
  const runs = await verdict({ ...cluster, account: ACCOUNT, traffic });
  expect(runs).toBeGreaterThan(3);
});

test.concurrent('only the connection cut that hears of changes: its gateway tells all that it has missed', async () => {
  const proxy = await startProxy(Number(new URL(inject('postgresUrl')).port));
  const database = await makePostgresDatabase();
  await using cluster = await openCluster(database);
  const [near, far] = [await cluster.start(), await cluster.start({}, proxy.through(database.url))];
  const ids = [await cluster.make('V1'), await cluster.make('V2')];
  const atNear = ids.map((id) => follow(() => [near.url], id));
  const atFar = ids.map((id) => follow(() => [far.url], id));
  const followers = [...atNear, ...atFar];
  await until(() => followers.every(({ stays }) => stays[0]?.length === 1));
  proxy.judge((sent) => (sent.includes('listen ') ? 'cut' : 'pass'));
  for (const connection of proxy.connections) if (connection.sent().includes('listen ')) connection.cut();
  for (const id of ids) await cluster.finish(id);
  await until(() => atNear.every((follower) => follower.hasEnd()), 20_000);
  expect(atFar.map(({ stays }) => stays)).toEqual([[['RUNNING']], [['RUNNING']]]);
  proxy.judge(() => 'pass');
  const traffic = quiet(followers);
  expect(await verdict({ ...cluster, account: ACCOUNT, traffic, foreign: ids })).toBe(2);
  await proxy.close();
});
