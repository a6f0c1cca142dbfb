import { createClient } from 'graphql-ws';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { WebSocket } from 'ws';
import { startTestGateway, type TestGateway } from '../support/gateway.js';
import { startTestSandbox, type TestSandbox } from '../support/sandbox.js';
import { until } from '../support/until.js';

interface Seen {
  readonly id: string;
  readonly status: string;
}
interface Update {
  readonly reportRunUpdated: Seen | null;
}
type Socket = ReturnType<typeof createClient>;

const UPDATED = 'subscription ($id: ID!) { reportRunUpdated(id: $id) { id status } }';
const ACCOUNT = 'acct_follow';

let sandbox: TestSandbox;
let gateway: TestGateway;
let socket: Socket;

beforeAll(async () => {
  sandbox = await startTestSandbox({ seed: false });
  gateway = await startTestGateway({ upstream: sandbox.origin, apiKey: 'sk_test_follow' });
  socket = createClient({ url: gateway.url.replace('http', 'ws'), webSocketImpl: WebSocket });
});

afterAll(async () => {
  await socket?.dispose();
  await gateway?.close();
  await sandbox?.close();
});

/** Runs that stay as they are until the control endpoint ends them. */
async function startRuns(
  api: 'V1' | 'V2',
  count = 1,
  options: Record<string, unknown> = {},
): Promise<string[]> {
  const status = api === 'V1' ? 'pending' : 'running';
  const { ids } = await sandbox.control<{ ids: string[] }>('POST', 'runs', {
    account: ACCOUNT,
    api,
    count,
    status,
    ...options,
  });
  return ids;
}

function finish(id: string, outcome: 'succeeded' | 'failed' = 'succeeded'): Promise<unknown> {
  return sandbox.control('POST', `runs/${id}/finish`, { outcome });
}

interface Subscription {
  readonly seen: string[];
  readonly errors: unknown[];
  /** Resolves when the server has completed it. */
  readonly done: Promise<void>;
  stop(): void;
}

function subscribe(id: string, over: Socket = socket): Subscription {
  const seen: string[] = [];
  const errors: unknown[] = [];
  let stop = () => {};
  const done = new Promise<void>((resolve) => {
    stop = over.subscribe<Update>(
      { query: UPDATED, variables: { id } },
      {
        next: ({ data, errors: failures }) => {
          if (data?.reportRunUpdated) seen.push(data.reportRunUpdated.status);
          if (failures) errors.push(...failures);
        },
        error: (error) => {
          errors.push(error);
          resolve();
        },
        complete: () => resolve(),
      },
    );
  });
  return { seen, errors, done, stop: () => stop() };
}

/** How many requests the sandbox has had for this account's runs. */
async function readsOf(path: RegExp): Promise<number> {
  return (await sandbox.requests()).filter((request) => path.test(request.path)).length;
}

describe('reportRunUpdated', () => {
  test.each([
    ['V1', 'succeeded'],
    ['V1', 'failed'],
    ['V2', 'succeeded'],
    ['V2', 'failed'],
  ] as const)('shows a %s run as it is, then that it has %s, then completes', async (api, outcome) => {
    const [id = ''] = await startRuns(api);
    const subscription = subscribe(id);
    await until(() => subscription.seen.length === 1);
    await finish(id, outcome);
    await subscription.done;
    expect(subscription.seen).toEqual(['RUNNING', outcome.toUpperCase()]);
    expect(subscription.errors).toEqual([]);
  });

  test('shows a run that has ended once, and completes', async () => {
    const [id = ''] = await startRuns('V1');
    await finish(id);
    const subscription = subscribe(id);
    await subscription.done;
    expect(subscription.seen).toEqual(['SUCCEEDED']);
  });

  test('says NOT_FOUND for a run that Stripe does not know, and the socket lives on', async () => {
    const subscription = subscribe('frr_doesnotexist');
    await subscription.done;
    expect(JSON.stringify(subscription.errors)).toContain('NOT_FOUND');
    const [id = ''] = await startRuns('V1');
    await finish(id);
    const next = subscribe(id);
    await next.done;
    expect(next.seen).toEqual(['SUCCEEDED']);
  });

  test('costs no more upstream for twenty subscribers than for one', async () => {
    const [id = ''] = await startRuns('V1');
    await sandbox.control('DELETE', 'requests');
    const subscriptions = Array.from({ length: 20 }, () => subscribe(id));
    await until(() => subscriptions.every(({ seen }) => seen.length === 1));
    const atStart = await readsOf(/report_runs/);
    expect(atStart).toBeLessThanOrEqual(3);
    await finish(id);
    await Promise.all(subscriptions.map(({ done }) => done));
    for (const { seen } of subscriptions) expect(seen).toEqual(['RUNNING', 'SUCCEEDED']);
    expect((await readsOf(/report_runs/)) - atStart).toBeLessThanOrEqual(2);
  });

  test('follows eighty v1 runs with a page of the list per tick, not a request per run', async () => {
    const ids = await startRuns('V1', 80);
    // Known from a list, as they would be to whoever follows so many.
    await until(async () => {
      const { data } = await gateway.query<{ reportRuns: { nodes: Seen[] } }>(
        '{ reportRuns(first: 100, filter: { api: V1, status: [RUNNING] }) { nodes { id status } } }',
      );
      return ids.every((id) => data?.reportRuns.nodes.some((node) => node.id === id));
    });
    // Long enough ago that each of them has to be looked at again.
    await new Promise((resolve) => setTimeout(resolve, 1_500));
    await sandbox.control('DELETE', 'requests');
    const subscriptions = ids.map((id) => subscribe(id));
    await until(() => subscriptions.every(({ seen }) => seen.length === 1));
    for (const id of ids) await finish(id);
    await Promise.all(subscriptions.map(({ done }) => done));
    for (const { seen } of subscriptions) expect(seen).toEqual(['RUNNING', 'SUCCEEDED']);
    expect(await readsOf(/report_runs/)).toBeLessThanOrEqual(10);
  });

  test('stops polling within a tick when the last subscriber leaves, and again looks when the run is read', async () => {
    const [id = ''] = await startRuns('V1');
    const subscriptions = [subscribe(id), subscribe(id)];
    await until(() => subscriptions.every(({ seen }) => seen.length === 1));
    for (const subscription of subscriptions) subscription.stop();
    await new Promise((resolve) => setTimeout(resolve, 1_300));
    await sandbox.control('DELETE', 'requests');
    await new Promise((resolve) => setTimeout(resolve, 2_500));
    expect(await readsOf(/report_runs/)).toBe(0);
    await finish(id);
    const { data } = await gateway.query<{ reportRun: Seen }>(
      'query ($id: ID!) { reportRun(id: $id) { id status } }',
      {
        id,
      },
    );
    expect(data?.reportRun.status).toBe('SUCCEEDED');
  });

  test('goes on when Stripe is back after an outage', async () => {
    const [id = ''] = await startRuns('V1');
    const subscription = subscribe(id);
    await until(() => subscription.seen.length === 1);
    await sandbox.control('POST', 'faults', {
      path: '/v1/reporting/report_runs*',
      kind: 'error',
      status: 500,
      times: 0,
    });
    await finish(id);
    await new Promise((resolve) => setTimeout(resolve, 1_500));
    expect(subscription.seen).toEqual(['RUNNING']);
    await sandbox.control('DELETE', 'faults');
    await subscription.done;
    expect(subscription.seen).toEqual(['RUNNING', 'SUCCEEDED']);
    expect(subscription.errors).toEqual([]);
  });

  test('completes its streams when the gateway shuts down', async () => {
    const other = await startTestGateway({ upstream: sandbox.origin, apiKey: 'sk_test_follow' });
    const over = createClient({ url: other.url.replace('http', 'ws'), webSocketImpl: WebSocket });
    const [id = ''] = await startRuns('V1');
    const subscription = subscribe(id, over);
    await until(() => subscription.seen.length === 1);
    await other.close();
    await subscription.done;
    expect(subscription.errors).toEqual([]);
    await over.dispose();
  });
});

describe('over server-sent events', () => {
  test.each(['GET', 'POST'] as const)('a run is followed to its end by %s', async (method) => {
    const [id = ''] = await startRuns('V2');
    const variables = { id };
    const parameters = new URLSearchParams({ query: UPDATED, variables: JSON.stringify(variables) });
    const answer = await fetch(method === 'GET' ? `${gateway.url}?${parameters}` : gateway.url, {
      method,
      headers: { accept: 'text/event-stream', 'content-type': 'application/json' },
      ...(method === 'GET' ? {} : { body: JSON.stringify({ query: UPDATED, variables }) }),
    });
    expect(answer.headers.get('content-type')).toContain('text/event-stream');
    await finish(id);
    const text = await answer.text();
    const statuses = [...text.matchAll(/"status":"(\w+)"/g)].map(([, status]) => status);
    expect(statuses.at(-1)).toBe('SUCCEEDED');
    expect(new Set(statuses).size).toBe(statuses.length);
    expect(text).toContain('event: complete');
  });
});
