import { expect, test, vi } from 'vitest';
import { makePostgresDatabase } from '../support/databases.js';
import { ended, SECRET, sign } from '../webhooks/events.js';
import { deliver } from '../webhooks/support.js';
import { until } from '../support/until.js';
import { ACCOUNT, clockOff, openCluster } from './cluster.js';
import { follow } from './follower.js';
import { quiet, startTraffic } from './traffic.js';
import { verdict } from './verdict.js';

const V1_LIST = '/v1/reporting/report_runs';
/** How long a dead holder keeps a feed, ms. */
const LEASE_MS = 15_000;
const HOUR = 3_600_000;

vi.setConfig({ testTimeout: 120_000 });

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

test.concurrent('gateways killed one after the other while clients create, list and follow', async () => {
  await using cluster = await openCluster(await makePostgresDatabase());
  await Promise.all([cluster.start(), cluster.start()]);
  const traffic = startTraffic(() => cluster.gateways);
  for (let killed = 0; killed < 3; killed += 1) {
    await pause(1_200);
    const [oldest] = cluster.gateways;
    if (oldest !== undefined) await cluster.kill(oldest);
    await cluster.start();
  }
  const runs = await verdict({ ...cluster, account: ACCOUNT, traffic });
  expect(runs).toBeGreaterThan(5);
});

test.concurrent('the holder of a feed killed in its tick: another has the feed within one lease', async () => {
  await using cluster = await openCluster(await makePostgresDatabase());
  const { sandbox } = cluster;
  const holder = await cluster.start();
  const id = await cluster.make('V1');
  const followers = [follow(() => [holder.url], id)];
  await until(() => followers[0]?.stays[0]?.length === 1);
  await sandbox.control('POST', 'faults', { method: 'GET', path: `${V1_LIST}*`, kind: 'hold', times: 0 });
  await cluster.held();
  const other = await cluster.start();
  await followers[0]?.stop();
  followers[0] = follow(() => (cluster.gateways.includes(holder) ? [holder.url] : [other.url]), id);
  followers.push(follow(() => [other.url], id));
  await until(() => followers.every(({ stays }) => stays[0]?.length === 1));
  await cluster.kill(holder);
  const killedAt = performance.now();
  await cluster.finish(id);
  await sandbox.control('DELETE', 'faults');
  await until(() => followers.every((follower) => follower.hasEnd()), 25_000);
  expect(performance.now() - killedAt).toBeLessThan(LEASE_MS + 3_000);
  const scene = { ...cluster, account: ACCOUNT, traffic: quiet(followers), foreign: [id] };
  expect(await verdict(scene)).toBe(1);
});

test.concurrent('a holder that stands still longer than its lease: nobody is told twice, and it has nothing more to say', async () => {
  await using cluster = await openCluster(await makePostgresDatabase());
  const { sandbox } = cluster;
  const holder = await cluster.start();
  const id = await cluster.make('V1');
  const followers = [follow(() => [holder.url], id)];
  await until(() => followers[0]?.stays[0]?.length === 1);
  await sandbox.control('POST', 'faults', { method: 'GET', path: `${V1_LIST}*`, kind: 'hold' });
  await cluster.held();
  holder.program.child.kill('SIGSTOP');
  const other = await cluster.start();
  followers.push(follow(() => [other.url], id));
  await cluster.finish(id);
  await until(() => followers[1]?.hasEnd() ?? false, 30_000);
  // What it reads now is older than what the other has written.
  await sandbox.control('DELETE', 'faults');
  holder.program.child.kill('SIGCONT');
  const scene = { ...cluster, account: ACCOUNT, traffic: quiet(followers), foreign: [id] };
  expect(await verdict(scene)).toBe(1);
});

test.concurrent('an event of Stripe that was answered is not lost with the gateway that answered it', async () => {
  await using cluster = await openCluster(await makePostgresDatabase());
  const { sandbox } = cluster;
  const secrets = { STRIPE_WEBHOOK_SECRETS: SECRET };
  const [one, two] = await Promise.all([cluster.start(secrets), cluster.start(secrets)]);
  // Nothing but the webhook tells of them.
  await sandbox.control('POST', 'settings', { events: false });
  const ids = await Promise.all([1, 2, 3].map(() => cluster.make('V2', { status: 'failed' })));
  const hook = one.url.replace('/graphql', '/webhooks/stripe');
  const bodies = ids.map((id) => ended('V2', id, 'failed'));
  const answers = await Promise.all(bodies.map((body) => deliver(hook, body, { signature: sign(body) })));
  await cluster.kill(one);
  expect(answers.map(({ status }) => status)).toEqual([200, 200, 200]);
  expect(cluster.gateways).toEqual([two]);
  await verdict({ ...cluster, account: ACCOUNT, traffic: quiet([]), foreign: ids });
});

test.concurrent('gateways whose clocks are an hour slow and an hour fast, one of them killed', async () => {
  await using cluster = await openCluster(await makePostgresDatabase());
  await Promise.all([cluster.start(clockOff(-HOUR)), cluster.start(clockOff(HOUR))]);
  const traffic = startTraffic(() => cluster.gateways);
  await pause(2_500);
  const [slow] = cluster.gateways;
  if (slow !== undefined) await cluster.kill(slow);
  await cluster.start(clockOff(-HOUR));
  await pause(1_000);
  const runs = await verdict({ ...cluster, account: ACCOUNT, traffic });
  expect(runs).toBeGreaterThan(3);
});
