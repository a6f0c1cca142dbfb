import { expect, test } from 'vitest';
import type { TestGateway } from '../support/gateway.js';
import type { TestSandbox } from '../support/sandbox.js';
import {
  type Answer,
  ask,
  caughtUp,
  codeOf,
  idsOf,
  make,
  openGateway,
  openSandbox,
  sleep,
  totalCount,
  until,
  upstreamOf,
} from './support.js';
import { walkForward } from './walk.js';

const MINUTE = 60_000;

async function openSmall(): Promise<{ sandbox: TestSandbox; gateway: TestGateway }> {
  const sandbox = await openSandbox();
  await make(sandbox, { api: 'V1', count: 12, createdAt: Date.now() - MINUTE, spacingMs: 1_000 });
  await make(sandbox, { api: 'V2', count: 3, createdAt: Date.now() - MINUTE, spacingMs: 1_000 });
  const gateway = await openGateway(sandbox);
  await caughtUp(gateway, 15);
  return { sandbox, gateway };
}

function fault(sandbox: TestSandbox, what: object): Promise<unknown> {
  return sandbox.control('POST', 'faults', { times: 0, ...what });
}

function ids(answer: Answer): string[] {
  return answer.data?.reportRuns?.edges.map(({ node }) => node.id) ?? [];
}

test('while Stripe is away lists come from the ledger and say so, and are fresh again when it is back', async () => {
  const { sandbox, gateway } = await openSmall();
  await sleep(1_050);
  const before = await ask(gateway, { first: 50 });
  await fault(sandbox, { kind: 'reset' });
  await sleep(1_050);
  const away = await ask(gateway, { first: 50 });
  expect(ids(away)).toEqual(ids(before));
  expect(away.errors).toBeUndefined();
  const { V1, V2 } = upstreamOf(before);
  expect(upstreamOf(away)).toEqual({
    V1: { state: 'DOWN', asOf: V1.asOf },
    V2: { state: 'DOWN', asOf: V2.asOf },
  });
  expect(await totalCount(gateway)).toBe(15);
  await sandbox.control('DELETE', 'faults');
  const [made] = await make(sandbox, { api: 'V1', count: 1 });
  const back = await until(
    () => ask(gateway, { first: 50 }),
    (answer) => ids(answer).includes(made ?? ''),
  );
  expect(upstreamOf(back).V1.state).toBe('READY');
});

test('a Stripe that does not answer holds up a list for two seconds, not for its own time-out', async () => {
  const { sandbox, gateway } = await openSmall();
  await make(sandbox, { api: 'V1', count: 3, createdAt: Date.now() - MINUTE, status: 'running' });
  await sleep(1_050);
  await ask(gateway, { first: 50 });
  await fault(sandbox, { kind: 'hold' });
  await sleep(1_050);
  const began = Date.now();
  const slow = await ask(gateway, { first: 50 });
  // Two seconds by the contract; the rest is for a busy machine.
  expect(Date.now() - began).toBeLessThan(3_500);
  expect(ids(slow)).toHaveLength(18);
  expect(upstreamOf(slow)).toMatchObject({ V1: { state: 'DOWN' }, V2: { state: 'DOWN' } });
  await sandbox.control('DELETE', 'faults');
});

test('a Stripe that stops answering beyond the horizon ends the page there', async () => {
  const sandbox = await openSandbox();
  await make(sandbox, { api: 'V1', count: 2_000, createdAt: Date.now() - MINUTE, spacingMs: MINUTE });
  const gateway = await openGateway(sandbox);
  await ask(gateway, { first: 1 });
  await fault(sandbox, { kind: 'hold' });
  await sleep(300);
  const began = Date.now();
  const answer = await ask(gateway, { first: 20, filter: { status: ['FAILED'] } });
  expect(Date.now() - began).toBeLessThan(3_500);
  expect(answer.data?.reportRuns).toMatchObject({ edges: [], pageInfo: { hasNextPage: true } });
  expect(answer.data?.reportRuns?.pageInfo.endCursor).not.toBeNull();
  await sandbox.control('DELETE', 'faults');
});

test.each([
  ['/v2/*', 'V2', 'V1', 12],
  ['/v1/reporting/*', 'V1', 'V2', 3],
] as const)(
  'a key that may not use %s leaves the other API working',
  async (path, refused, working, count) => {
    const sandbox = await openSandbox();
    await make(sandbox, { api: 'V1', count: 12, createdAt: Date.now() - MINUTE, spacingMs: 1_000 });
    await make(sandbox, { api: 'V2', count: 3, createdAt: Date.now() - MINUTE, spacingMs: 1_000 });
    await fault(sandbox, { path, kind: 'error', status: 403 });
    const gateway = await openGateway(sandbox);
    await until(
      () => totalCount(gateway, { api: working }),
      (known) => known === count,
    );
    const answer = await ask(gateway, { first: 100 });
    expect(answer.errors).toBeUndefined();
    expect(new Set(answer.data?.reportRuns?.edges.map(({ node }) => node.api))).toEqual(new Set([working]));
    expect(upstreamOf(answer)[refused]).toEqual({ state: 'UNAVAILABLE', asOf: null });
    expect(upstreamOf(answer)[working].state).toBe('READY');
    const last = await ask(gateway, { last: 2 });
    expect(ids(last)).toEqual(ids(answer).slice(-2));
    expect(codeOf(await ask(gateway, { first: 1, filter: { api: refused } }))).toBe('FORBIDDEN');
  },
);

test('odd runs are left out wherever they stand, and the list goes on', async () => {
  const sandbox = await openSandbox();
  const made = await make(sandbox, {
    api: 'V1',
    count: 330,
    createdAt: Date.now() - MINUTE,
    spacingMs: 1_000,
  });
  const odd = new Map<string, unknown>();
  const breakRun = (index: number, overlay: unknown): void => void odd.set(made[index] ?? '', overlay);
  // The newest, both sides of where Stripe's pages end, and the oldest.
  breakRun(0, { status: 'queued' });
  breakRun(1, { created: 'yesterday' });
  breakRun(98, { status: 'queued', created: 1 });
  breakRun(99, { id: 'not an id of Stripe’s' });
  breakRun(100, { object: 'something.else' });
  breakRun(199, { status: 'queued', created: 9_999_999_999 });
  breakRun(329, { report_type: null });
  for (const [id, overlay] of odd) await sandbox.control('POST', `runs/${id}/overlay`, overlay);
  const gateway = await openGateway(sandbox);
  await caughtUp(gateway, 323);
  const good = made.filter((id) => !odd.has(id));
  expect(idsOf((await walkForward(gateway, [60])).nodes)).toEqual(good);
  const answer = await gateway.query('query($id: ID!) { reportRun(id: $id) { id } }', { id: made[0] });
  expect(codeOf(answer as unknown as Answer)).toBe('UPSTREAM_CONTRACT');
  await sandbox.control('POST', `runs/${made[0]}/overlay`, null);
  const mended = await gateway.query('query($id: ID!) { reportRun(id: $id) { id } }', { id: made[0] });
  expect(mended.data).toEqual({ reportRun: { id: made[0] } });
  expect(idsOf((await walkForward(gateway, [60])).nodes)).toEqual([made[0], ...good]);
});

test('an odd v2 run is left out, and does not keep the history from being complete', async () => {
  const sandbox = await openSandbox();
  const made = await make(sandbox, { api: 'V2', count: 4, createdAt: Date.now() - MINUTE, spacingMs: 1_000 });
  await sandbox.control('POST', `runs/${made[1]}/overlay`, { status: 'paused' });
  await fault(sandbox, { path: `/v2/reporting/report_runs/${made[2]}`, kind: 'not_json' });
  const gateway = await openGateway(sandbox);
  await caughtUp(gateway, 2);
  expect(idsOf((await walkForward(gateway, [1])).nodes)).toEqual([made[0], made[3]]);
  expect(ids(await ask(gateway, { last: 1 }))).toEqual([made[3]]);
});
