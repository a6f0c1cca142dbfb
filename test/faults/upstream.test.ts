import { setTimeout as sleep } from 'node:timers/promises';
import { expect, test, vi } from 'vitest';
import { V1_RUNS, V2_RUNS } from '../create/operations.js';
import { makeDatabase } from '../support/databases.js';
import { ACCOUNT, openCluster } from './cluster.js';
import { startTraffic } from './traffic.js';
import { verdict } from './verdict.js';

vi.setConfig({ testTimeout: 90_000 });

const READS = [`${V1_RUNS}*`, `${V2_RUNS}/*`, '/v2/core/events'];
const CREATES = [V1_RUNS, V2_RUNS];
const BROKEN = ['reset', 'truncated', 'not_json'];

/** What can go wrong with each endpoint. v1 stores a 500 to a create for a day: how that is settled is tested at a clock of its own. */
const FAULTS: readonly object[] = [
  ...READS.flatMap((path) => [
    ...[500, 503, 429, 409].map((status) => ({ method: 'GET', path, kind: 'error', status })),
    ...[...BROKEN, 'timeout', 'slow'].map((kind) => ({ method: 'GET', path, kind })),
    // As long as it takes to have two attempts fail.
    { method: 'GET', path, kind: 'reset', times: 4 },
  ]),
  ...CREATES.flatMap((path) => [
    ...[409, 429].map((status) => ({ method: 'POST', path, kind: 'error', status })),
    ...BROKEN.flatMap((kind) => ['before', 'after'].map((when) => ({ method: 'POST', path, kind, when }))),
  ]),
  ...['before', 'after'].map((when) => ({
    method: 'POST',
    path: V2_RUNS,
    kind: 'error',
    status: 500,
    when,
  })),
  { method: 'POST', path: V1_RUNS, kind: 'timeout', when: 'after' },
  { method: 'POST', path: V2_RUNS, kind: 'timeout', when: 'before' },
];

test('whatever Stripe does to reads and creates, mixed, while clients create, list and follow', async () => {
  await using cluster = await openCluster(await makeDatabase());
  await cluster.start();
  const traffic = startTraffic(() => cluster.gateways);
  // In an order that mixes the endpoints: every seventh of them, seven times over.
  for (let first = 0; first < 7; first += 1) {
    for (let index = first; index < FAULTS.length; index += 7) {
      await cluster.sandbox.control('POST', 'faults', FAULTS[index]);
      await sleep(150);
    }
  }
  await sleep(2_000);
  await cluster.sandbox.control('DELETE', 'faults');
  const runs = await verdict({ ...cluster, account: ACCOUNT, traffic });
  expect(runs).toBeGreaterThan(5);
});
