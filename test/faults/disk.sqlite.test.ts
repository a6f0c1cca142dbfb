import { execFileSync } from 'node:child_process';
import { expect, test, vi } from 'vitest';
import { create, created, V1_RUNS, V2_RUNS, v1Input, v2Input } from '../create/operations.js';
import { makeDatabase } from '../support/databases.js';
import { until } from '../support/until.js';
import { ACCOUNT, openCluster } from './cluster.js';
import { follow } from './follower.js';
import { quiet } from './traffic.js';
import { verdict } from './verdict.js';

vi.setConfig({ testTimeout: 60_000 });

/** As on a disk without room: the process can write no file beyond so many bytes, which the ledger's have long passed. */
function limitFiles(pid: number, bytes: number | 'unlimited'): void {
  execFileSync('sh', ['-c', 'prlimit --pid "$0" --fsize="$1":unlimited', String(pid), String(bytes)]);
}

test('a disk that fills up: creates say so, nothing acknowledged is lost, and all goes on when there is room', async () => {
  await using cluster = await openCluster(await makeDatabase(), { runSeconds: 600 });
  const { sandbox } = cluster;
  const gateway = await cluster.start();
  const pid = gateway.program.child.pid ?? 0;
  const acknowledged = new Map<string, Set<string>>();
  const acknowledge = async (key: string, input: object): Promise<string> => {
    const { id } = await created(gateway, input);
    acknowledged.set(key, (acknowledged.get(key) ?? new Set()).add(id));
    return id;
  };
  const ids = [
    await acknowledge('v1', v1Input('v1')),
    await acknowledge('v2', v2Input('v2')),
    await cluster.make('V1'),
  ];
  const followers = ids.map((id) => follow(() => [gateway.url], id));
  await until(() => followers.every(({ stays }) => stays[0]?.length === 1));
  // Two POSTs are on their way when the disk fills up.
  for (const path of [V1_RUNS, V2_RUNS])
    await sandbox.control('POST', 'faults', { kind: 'hold', method: 'POST', path, when: 'after' });
  const late = { 'late v1': v1Input('late v1'), 'late v2': v2Input('late v2') };
  const answers = Promise.all(Object.values(late).map((input) => create(gateway, input)));
  await cluster.held(2);
  limitFiles(pid, 4_096);
  for (const input of [v1Input('no room'), v2Input('no room either')]) {
    const { data, errors } = await create(gateway, input);
    expect(data).toBeNull();
    // There was no intent, so there is nothing to repeat it for.
    expect(errors?.[0]?.extensions).toMatchObject({ code: 'INTERNAL_SERVER_ERROR' });
    expect(errors?.[0]?.extensions).not.toHaveProperty('outcome');
  }
  await sandbox.control('DELETE', 'faults');
  for (const { errors } of await answers) expect(errors?.[0]?.extensions?.['outcome']).toBe('UNKNOWN');
  const upstream = await sandbox.control<{ runs: { id: string }[] }>('GET', `runs?account=${ACCOUNT}`);
  for (const { id } of upstream.runs) await cluster.finish(id);
  // What is known can be read, and what cannot be kept is not told.
  await new Promise((resolve) => setTimeout(resolve, 1_500));
  const { data } = await gateway.query<{ reportRuns: { nodes: object[] } }>(
    '{ reportRuns(first: 100) { nodes { id } } }',
  );
  expect(data?.reportRuns.nodes).toHaveLength(3);
  expect(followers.map((follower) => follower.hasEnd())).toEqual([false, false, false]);
  limitFiles(pid, 'unlimited');
  for (const [key, input] of Object.entries(late)) await acknowledge(key, input);
  await acknowledge('no room', v1Input('no room'));
  await acknowledge('v1', v1Input('v1'));
  const foreign = ids.slice(2);
  await verdict({ ...cluster, account: ACCOUNT, traffic: { ...quiet(followers), acknowledged }, foreign });
});
