import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startTestGateway, type TestGateway } from '../support/gateway.js';
import { startTestSandbox, type TestSandbox } from '../support/sandbox.js';
import { until } from '../support/until.js';
import {
  begun,
  create,
  LIST,
  type LiveSocket,
  openSocket,
  subscribe,
  type Told,
  UPDATED,
} from './live-support.js';

let sandbox: TestSandbox;
let accounts = 0;

beforeAll(async () => {
  sandbox = await startTestSandbox({ seed: false });
});
afterAll(async () => {
  await sandbox?.close();
});

/** A gateway for an account of its own, and a socket to it. */
async function open(): Promise<{ gateway: TestGateway; socket: LiveSocket; account: string }> {
  accounts += 1;
  const gateway = await startTestGateway({ upstream: sandbox.origin, apiKey: `sk_test_live${accounts}` });
  const socket = openSocket(gateway);
  return { gateway, socket, account: `acct_live${accounts}` };
}

/** The next run that is created stays RUNNING until it is finished. */
async function order(): Promise<void> {
  await sandbox.control('POST', 'outcomes', { outcome: 'succeeded', afterSeconds: 3_600 });
}

function finish(id: string, outcome: 'succeeded' | 'failed' = 'succeeded'): Promise<unknown> {
  return sandbox.control('POST', `runs/${id}/finish`, { outcome });
}

describe('reportRunsUpdated', () => {
  test('tells of each new run of either API, and of its end, once and in order, to every subscriber', async () => {
    const { gateway, socket } = await open();
    const subscriptions = [subscribe(socket), subscribe(socket), subscribe(socket, { filter: {} })];
    await begun(gateway);
    const ids: string[] = [];
    for (const api of ['V1', 'V2', 'V1'] as const) {
      await order();
      ids.push(await create(gateway, api));
    }
    await until(() => subscriptions.every(({ told }) => told.length === 3));
    for (const id of ids) await finish(id, 'failed');
    await until(() => subscriptions.every(({ told }) => told.length === 6));
    for (const { told, errors } of subscriptions) {
      expect(told.slice(0, 3)).toEqual(ids.map((id) => `${id} RUNNING`));
      expect(told.slice(3).sort()).toEqual(ids.map((id) => `${id} FAILED`).sort());
      expect(errors).toEqual([]);
    }
    await socket.dispose();
    await gateway.close();
  });

  test('with a filter of states tells who comes into them, and who leaves them', async () => {
    const { gateway, socket } = await open();
    const running = subscribe(socket, { filter: { status: ['RUNNING'] } });
    const succeeded = subscribe(socket, { filter: { status: ['SUCCEEDED'] } });
    const failed = subscribe(socket, { filter: { status: ['FAILED'], api: 'V1' } });
    const ofV2 = subscribe(socket, { filter: { api: 'V2' } });
    const ofType = subscribe(socket, { filter: { reportType: ['payouts.summary.1'] } });
    await begun(gateway);
    await order();
    const one = await create(gateway, 'V1');
    await order();
    const two = await create(gateway, 'V1');
    await finish(one);
    await until(() => succeeded.told.length === 1);
    await finish(two, 'failed');
    await until(() => failed.told.length === 1 && running.told.length === 4);
    expect(running.told).toEqual([`${one} RUNNING`, `${two} RUNNING`, `${one} SUCCEEDED`, `${two} FAILED`]);
    expect(succeeded.told).toEqual([`${one} SUCCEEDED`]);
    expect(failed.told).toEqual([`${two} FAILED`]);
    expect([...ofV2.told, ...ofType.told]).toEqual([]);
    await socket.dispose();
    await gateway.close();
  });

  test('runs made past the gateway are told within a quarter of a minute, and cost no more for twenty subscribers', async () => {
    const { gateway, socket, account } = await open();
    const [known = ''] = await madeRunning('V1', account);
    await gateway.query(LIST);
    const subscriptions = Array.from({ length: 20 }, () => subscribe(socket));
    await begun(gateway);
    await sandbox.control('DELETE', 'requests');
    const [v1 = ''] = await madeRunning('V1', account);
    const [v2 = ''] = await madeRunning('V2', account);
    const began = Date.now();
    await until(() => subscriptions.every(({ told }) => told.length === 2), 17_000);
    const seconds = (Date.now() - began) / 1000;
    // A look for new runs every ten seconds, and one a second at most for what runs.
    const reads = (await sandbox.requests()).filter(({ path }) => /report_runs|events/.test(path));
    expect(reads.length).toBeLessThanOrEqual(2 * (2 + seconds));
    await finish(known);
    await finish(v1);
    await finish(v2);
    await until(() => subscriptions.every(({ told }) => told.length === 5));
    for (const { told } of subscriptions) {
      expect(new Set(told)).toEqual(
        new Set([v1, v2].map((id) => `${id} RUNNING`).concat([known, v1, v2].map((id) => `${id} SUCCEEDED`))),
      );
    }
    await socket.dispose();
    await gateway.close();
  }, 40_000);

  test('`since` tells what changed before the subscription began, so that nothing falls between it and a list', async () => {
    const { gateway, socket } = await open();
    await order();
    const one = await create(gateway, 'V1');
    await new Promise((resolve) => setTimeout(resolve, 20));
    const since = new Date().toISOString();
    await order();
    const two = await create(gateway, 'V1');
    await finish(one);
    await until(async () => {
      const { data } = await gateway.query<{ reportRuns: { nodes: Told[] } }>(LIST);
      return data?.reportRuns.nodes.some(({ id, status }) => id === one && status === 'SUCCEEDED') ?? false;
    });
    const now = subscribe(socket);
    const earlier = subscribe(socket, { since });
    const ahead = subscribe(socket, { since: new Date(Date.now() + 3_600_000).toISOString() });
    await until(() => earlier.told.length === 2);
    await begun(gateway);
    await finish(two);
    await until(() => [now, earlier, ahead].every(({ told }) => told.includes(`${two} SUCCEEDED`)));
    expect(earlier.told).toEqual([`${two} RUNNING`, `${one} SUCCEEDED`, `${two} SUCCEEDED`]);
    expect(now.told).toEqual([`${two} SUCCEEDED`]);
    expect(ahead.told).toEqual([`${two} SUCCEEDED`]);
    await socket.dispose();
    await gateway.close();
  });

  test('runs that ended long before they were first seen are history, which lists show and nobody is told of', async () => {
    const { gateway, socket, account } = await open();
    const subscription = subscribe(socket);
    await begun(gateway);
    const day = 86_400_000;
    const past = { account, api: 'V1', status: 'succeeded' };
    await sandbox.control('POST', 'runs', { ...past, count: 5, createdAt: Date.now() - 3 * day });
    const { ids } = await sandbox.control<{ ids: string[] }>('POST', 'runs', { ...past, count: 1 });
    await until(async () => {
      const { data } = await gateway.query<{ reportRuns: { nodes: Told[] } }>(LIST);
      return data?.reportRuns.nodes.length === 6;
    });
    await until(() => subscription.told.length > 0);
    expect(subscription.told).toEqual(ids.map((id) => `${id} SUCCEEDED`));
    await socket.dispose();
    await gateway.close();
  });

  test.each([
    [{ filter: { status: [] } }, '`filter.status` is an empty list'],
    [{ filter: { reportType: ['nonsense'] } }, '`filter.reportType` takes v1 report types'],
    [{ since: '2026-01-01T00:00:00Z' }, '`since` must be at most a day ago'],
  ])('refuses %j with BAD_USER_INPUT, and the socket lives on', async (variables, message) => {
    const { gateway, socket } = await open();
    const refused = subscribe(socket, variables);
    await refused.done;
    expect(refused.errors[0]?.extensions?.code).toBe('BAD_USER_INPUT');
    expect(refused.errors[0]?.message).toContain(message);
    const next = subscribe(socket);
    await begun(gateway);
    await order();
    await create(gateway, 'V1');
    await until(() => next.told.length === 1);
    await socket.dispose();
    await gateway.close();
  });

  test('stops the looking when the last subscriber has left', async () => {
    const { gateway, socket, account } = await open();
    await madeRunning('V1', account);
    await gateway.query(LIST);
    const subscriptions = [subscribe(socket), subscribe(socket)];
    await begun(gateway);
    for (const subscription of subscriptions) subscription.stop();
    await new Promise((resolve) => setTimeout(resolve, 1_300));
    await sandbox.control('DELETE', 'requests');
    await new Promise((resolve) => setTimeout(resolve, 2_500));
    expect((await sandbox.requests()).filter(({ path }) => path.includes('report_runs'))).toEqual([]);
    await socket.dispose();
    await gateway.close();
  });

  test('goes on when Stripe is back, and completes when the gateway shuts down', async () => {
    const { gateway, socket } = await open();
    const subscription = subscribe(socket);
    await begun(gateway);
    await order();
    const id = await create(gateway, 'V1');
    await until(() => subscription.told.length === 1);
    await sandbox.control('POST', 'faults', {
      path: '/v1/reporting/report_runs*',
      kind: 'error',
      status: 500,
      times: 0,
    });
    await finish(id);
    await new Promise((resolve) => setTimeout(resolve, 1_500));
    expect(subscription.told).toEqual([`${id} RUNNING`]);
    await sandbox.control('DELETE', 'faults');
    await until(() => subscription.told.length === 2);
    await gateway.close();
    await subscription.done;
    expect(subscription.told).toEqual([`${id} RUNNING`, `${id} SUCCEEDED`]);
    expect(subscription.errors).toEqual([]);
    await socket.dispose();
  });

  test.each(['GET', 'POST'] as const)('is told over server-sent events by %s', async (method) => {
    const { gateway, socket } = await open();
    const parameters = new URLSearchParams({ query: UPDATED });
    const answer = await fetch(method === 'GET' ? `${gateway.url}?${parameters}` : gateway.url, {
      method,
      headers: { accept: 'text/event-stream', 'content-type': 'application/json' },
      ...(method === 'GET' ? {} : { body: JSON.stringify({ query: UPDATED }) }),
    });
    expect(answer.headers.get('content-type')).toContain('text/event-stream');
    await begun(gateway);
    await order();
    const id = await create(gateway, 'V1');
    await finish(id);
    await until(async () => {
      const { data } = await gateway.query<{ reportRuns: { nodes: Told[] } }>(LIST);
      return data?.reportRuns.nodes[0]?.status === 'SUCCEEDED';
    });
    const text = answer.text();
    await new Promise((resolve) => setTimeout(resolve, 100));
    await gateway.close();
    const statuses = [...(await text).matchAll(/"status":"(\w+)"/g)].map(([, status]) => status);
    expect(statuses).toEqual(['RUNNING', 'SUCCEEDED']);
    expect(await text).toContain('event: complete');
    await socket.dispose();
  });
});

/** A run that the gateway has not made, and that stays as it is until it is finished. */
async function madeRunning(api: 'V1' | 'V2', account: string): Promise<string[]> {
  const status = api === 'V1' ? 'pending' : 'running';
  const { ids } = await sandbox.control<{ ids: string[] }>('POST', 'runs', {
    account,
    api,
    count: 1,
    status,
  });
  return ids;
}
