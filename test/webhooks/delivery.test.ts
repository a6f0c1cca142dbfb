import { createClient } from 'graphql-ws';
import { expect, onTestFinished, test } from 'vitest';
import { WebSocket } from 'ws';
import { until } from '../support/until.js';
import { OTHER_SECRET, SECRET } from './events.js';
import { ACCOUNT, held, pathOf, pause, setUp, type Setup, settled, V2_RUNS } from './support.js';

/** A gateway that the sandbox itself delivers to, to one destination for each payload. */
async function hooked(): Promise<Setup> {
  const setup = await setUp();
  for (const [payload, secret] of [
    ['snapshot', SECRET],
    ['thin', OTHER_SECRET],
  ])
    await setup.sandbox.control('POST', 'webhooks', { url: setup.hook, payload, secret, account: ACCOUNT });
  await setup.sandbox.control('POST', 'settings', { webhookRetryMs: 50 });
  return setup;
}

interface Delivery {
  readonly type: string;
  readonly object: string;
  readonly status: number | null;
}

async function deliveries({ sandbox }: Setup): Promise<readonly Delivery[]> {
  return (await sandbox.control<{ deliveries: Delivery[] }>('GET', 'webhooks/deliveries')).deliveries;
}

const UPDATED = 'subscription ($id: ID!) { reportRunUpdated(id: $id) { status } }';

/** Follows a run over a WebSocket; what it was told, and when that was over. */
function follow({ gateway }: Setup, id: string): { seen: string[]; done: Promise<void> } {
  const client = createClient({ url: gateway.url.replace('http', 'ws'), webSocketImpl: WebSocket });
  onTestFinished(() => void client.dispose());
  const seen: string[] = [];
  const done = new Promise<void>((resolve, reject) => {
    client.subscribe<{ reportRunUpdated: { status: string } | null }>(
      { query: UPDATED, variables: { id } },
      {
        next: ({ data }) => void seen.push(data?.reportRunUpdated?.status ?? 'nothing'),
        error: reject,
        complete: resolve,
      },
    );
  });
  return { seen, done };
}

test.each([
  ['V1', 'succeeded'],
  ['V1', 'failed'],
  ['V2', 'succeeded'],
  ['V2', 'failed'],
])('who follows a %s run hears that it has %s when Stripe delivers that', async (api, outcome) => {
  const setup = await hooked();
  // So old that the gateway itself would not look for half a minute.
  const [id = ''] = await setup.make({ api, createdAt: Date.now() - 3_600_000 });
  const { seen, done } = follow(setup, id);
  await until(() => seen.length === 1);
  await setup.sandbox.control('POST', `runs/${id}/finish`, { outcome });
  await done;
  expect(seen).toEqual(['RUNNING', outcome.toUpperCase()]);
  await until(async () => (await deliveries(setup)).some(({ type }) => type.endsWith(outcome)));
  expect((await deliveries(setup)).every(({ status }) => status === 200)).toBe(true);
});

test('late, repeated and shuffled deliveries are told once, in order', async () => {
  const setup = await hooked();
  await setup.sandbox.control('POST', 'settings', {
    webhookCopies: 5,
    webhookDelayMs: 100,
    webhookShuffleMs: 300,
  });
  const ids = [
    ...(await setup.make({ api: 'V1', count: 3 })),
    ...(await setup.make({ api: 'V2', count: 3 })),
  ];
  const followed = ids.map((id) => follow(setup, id));
  await until(() => followed.every(({ seen }) => seen.length === 1));
  for (const id of ids) await setup.sandbox.control('POST', `runs/${id}/finish`, { outcome: 'succeeded' });
  await Promise.all(followed.map(({ done }) => done));
  for (const { seen } of followed) expect(seen).toEqual(['RUNNING', 'SUCCEEDED']);
  await until(async () => (await deliveries(setup)).length === 3 * 5 + 3 * 5 * 3);
  expect((await setup.rows()).map(({ version }) => version)).toEqual(ids.map(() => 2));
});

test.each(['V1', 'V2'])(
  'an old %s run of which Stripe says late what it has delivered is looked at every second until then',
  async (api) => {
    const setup = await hooked();
    const [id = ''] = await setup.make({ api, createdAt: Date.now() - 3_600_000 });
    const { seen, done } = follow(setup, id);
    await until(() => seen.length === 1);
    await settled(setup.sandbox);
    const before = await setup.asked(pathOf(id));
    // With webhooks such a run is otherwise looked at every 30 s at most.
    await pause(2_000);
    expect(await setup.asked(pathOf(id))).toBe(before);
    const status = api === 'V1' ? { status: 'pending', succeeded_at: null } : { status: 'running' };
    await setup.sandbox.control('POST', `runs/${id}/overlay`, { ...status, result: null });
    await setup.sandbox.control('POST', `runs/${id}/finish`, { outcome: 'succeeded' });
    await until(async () => (await setup.asked(pathOf(id))) >= before + 3);
    await setup.sandbox.control('POST', `runs/${id}/overlay`, null);
    await done;
    expect(seen).toEqual(['RUNNING', 'SUCCEEDED']);
  },
);

test('deliveries that are all lost only make it later', async () => {
  const setup = await hooked();
  await setup.sandbox.control('POST', 'settings', { webhookDrop: 1 });
  const [id = ''] = await setup.make({ api: 'V1' });
  await setup.sandbox.control('POST', `runs/${id}/finish`, { outcome: 'succeeded' });
  const { data } = await setup.gateway.query('query ($id: ID!) { reportRun(id: $id) { status } }', { id });
  expect(data).toEqual({ reportRun: { status: 'SUCCEEDED' } });
  expect((await deliveries(setup)).map(({ status }) => status)).toEqual([null]);
});

const CREATE = {
  V1: `mutation { createReportRun(input: { v1: { reportType: "balance.summary.1", parameters: {
    intervalStart: "2026-04-01T00:00:00Z", intervalEnd: "2026-05-01T00:00:00Z" } } }) { reportRun { id status } } }`,
  V2: `mutation { createReportRun(input: { v2: { report: "report_test_balance_summary", parameters: {
    interval_start: "2026-04-01T00:00:00Z", interval_end: "2026-05-01T00:00:00Z" } } }) { reportRun { id status } } }`,
};

test.each(['V1', 'V2'] as const)(
  'the end of a %s run may be delivered before its create returns',
  async (api) => {
    const setup = await hooked();
    await setup.sandbox.control('POST', 'outcomes', { api, outcome: 'succeeded', afterSeconds: 0 });
    const creates = api === 'V1' ? '/v1/reporting/report_runs' : V2_RUNS;
    const fault = { kind: 'hold', method: 'POST', when: 'after', path: creates };
    const { id: hold } = await setup.sandbox.control<{ id: string }>('POST', 'faults', fault);
    const creating = setup.gateway.query<{ createReportRun: { reportRun: { id: string } } }>(CREATE[api]);
    await held(setup);
    await until(async () =>
      (await deliveries(setup)).some(({ type, status }) => type.endsWith('succeeded') && status === 200),
    );
    const id = (await deliveries(setup))[0]?.object ?? '';
    await until(async () => (await setup.asked(pathOf(id))) > 0);
    await settled(setup.sandbox);
    await setup.sandbox.control('POST', `faults/${hold}/release`);
    expect((await creating).data?.createReportRun.reportRun).toEqual({ id, status: 'SUCCEEDED' });
    expect(await setup.rows()).toMatchObject([{ id, status: 'SUCCEEDED', version: 1 }]);
  },
);
