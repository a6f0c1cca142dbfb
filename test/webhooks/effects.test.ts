import { Writable } from 'node:stream';
import { expect, test } from 'vitest';
import { until } from '../support/until.js';
import { ended, snapshot, thin } from './events.js';
import { ACCOUNT, held, pathOf, pause, post, setUp, settled, unheard, V2_RUNS } from './support.js';

const RUN = 'query ($id: ID!) { reportRun(id: $id) { status finishedAt failure { message } } }';

interface Shown {
  readonly reportRun: { readonly status: string; readonly finishedAt: string | null } | null;
}

test.each(['V1', 'V2'])(
  'a %s run that the gateway did not know is read once, however often it is told of',
  async (api) => {
    const setup = await setUp();
    const id = await unheard(setup, api);
    // v2 tells of an end twice, and whatever is delivered may be delivered again.
    const words = api === 'V1' ? ['failed'] : ['created', 'updated', 'failed'];
    const endedAt = Math.floor(Date.now() / 1000) - 100;
    const created = api === 'V1' ? endedAt : new Date(endedAt * 1000).toISOString();
    for (const word of words) expect(await post(setup, ended(api, id, word, { created }))).toBe(200);
    await until(async () => (await setup.asked(pathOf(id))) > 0);
    await settled(setup.sandbox);
    const reads = await setup.asked(pathOf(id));
    expect(reads).toBeLessThanOrEqual(words.length);
    const before = (await setup.sandbox.requests()).length;
    for (let again = 0; again < 5; again++) await post(setup, ended(api, id, 'failed', { created }));
    await settled(setup.sandbox);
    expect((await setup.sandbox.requests()).length).toBe(before);
    const { data } = await setup.gateway.query<Shown>(RUN, { id });
    // The run itself says nowhere when it failed; the event does.
    const finishedAt = new Date(endedAt * 1000).toISOString();
    expect(data?.reportRun).toMatchObject({ status: 'FAILED', finishedAt });
    expect(await setup.asked(pathOf(id))).toBe(reads);
  },
);

test.each(['V1', 'V2'])('what an event says of a %s run is not believed', async (api) => {
  const setup = await setUp();
  const [id = ''] = await setup.make({ api });
  expect(await post(setup, ended(api, id))).toBe(200);
  await until(async () => (await setup.asked(pathOf(id))) > 0);
  const { data } = await setup.gateway.query<Shown>(RUN, { id });
  expect(data?.reportRun).toMatchObject({ status: 'RUNNING', finishedAt: null });
});

test('types that are of no use, and the ping of a destination, are taken and do nothing', async () => {
  const setup = await setUp();
  const before = (await setup.sandbox.requests()).length;
  const bodies = [
    snapshot('cus_1', 'customer.created'),
    snapshot('frr_1', 'reporting.report_run.canceled'),
    thin('ed_1', 'x', { type: 'v2.core.event_destination.ping', livemode: undefined }),
    thin('rrun_1', 'x', { type: 'v2.data.report_run.succeeded' }),
  ];
  for (const body of bodies) expect(await post(setup, body)).toBe(200);
  await pause(300);
  expect((await setup.sandbox.requests()).length).toBe(before);
  expect(await setup.rows()).toEqual([]);
});

test("events of other accounts and of live mode are taken and do nothing; the account's own are taken under its name", async () => {
  const lines: string[] = [];
  const logTo = new Writable({
    write(chunk, _encoding, done) {
      lines.push(String(chunk));
      done();
    },
  });
  const setup = await setUp({ logTo });
  const [mine = ''] = await setup.make({ api: 'V1' });
  for (let times = 0; times < 3; times++) {
    const foreign = [
      snapshot('frr_other', undefined, { account: 'acct_other' }),
      thin('reprun_test_other', 'succeeded', { context: `${ACCOUNT}/acct_other` }),
      snapshot('frr_live', undefined, { livemode: true }),
      thin('reprun_live', 'succeeded', { livemode: true }),
      snapshot('balance.summary.1', 'reporting.report_type.updated', { livemode: true }),
    ];
    for (const body of foreign) expect(await post(setup, body)).toBe(200);
  }
  expect(await post(setup, snapshot(mine, undefined, { account: ACCOUNT }))).toBe(200);
  await until(async () => (await setup.asked(pathOf(mine))) > 0);
  await settled(setup.sandbox);
  expect((await setup.rows()).map(({ id }) => id)).toEqual([mine]);
  const logged = lines.filter((line) => line.includes('webhooks of another account or mode'));
  expect(logged.map((line) => (JSON.parse(line) as { account: string }).account).sort()).toEqual([
    `${ACCOUNT}:live`,
    'acct_other:test',
  ]);
});

test('an event for an id that Stripe does not know leaves nothing behind', async () => {
  const setup = await setUp();
  for (const api of ['V1', 'V2']) expect(await post(setup, ended(api, idOf(api)))).toBe(200);
  for (const api of ['V1', 'V2']) await until(async () => (await setup.asked(pathOf(idOf(api)))) > 0);
  await settled(setup.sandbox);
  expect(await setup.rows()).toEqual([]);
});

const idOf = (api: string): string => (api === 'V1' ? 'frr_none' : 'reprun_test_none');

test.each(['V1', 'V2'])('an event that comes during a tick of %s is not lost in it', async (api) => {
  const setup = await setUp();
  const [id = ''] = await setup.make({ api });
  // The answer that is held was made before the run ended.
  const { id: fault } = await setup.sandbox.control<{ id: string }>('POST', 'faults', {
    kind: 'hold',
    when: 'after',
    path: pathOf(id),
  });
  await post(setup, ended(api, id));
  await held(setup);
  await setup.sandbox.control('POST', `runs/${id}/finish`, { outcome: 'succeeded' });
  // Answered although the tick that would read it is stuck.
  expect(await post(setup, ended(api, id))).toBe(200);
  await setup.sandbox.control('POST', `faults/${fault}/release`);
  await until(async () => (await setup.asked(pathOf(id))) > 1);
  await settled(setup.sandbox);
  const reads = await setup.asked(pathOf(id));
  const { data } = await setup.gateway.query<Shown>(RUN, { id });
  expect(data?.reportRun?.status).toBe('SUCCEEDED');
  expect(await setup.asked(pathOf(id))).toBe(reads);
});

test.each(['V1', 'V2'])(
  'while Stripe hangs or is away a %s event is answered all the same, and the run is read afterwards',
  async (api) => {
    const setup = await setUp();
    const id = await unheard(setup, api);
    await setup.sandbox.control('POST', 'faults', { kind: 'hold', times: 1 });
    await setup.sandbox.control('POST', 'faults', { kind: 'reset', times: 0 });
    expect(await post(setup, ended(api, id, 'failed'))).toBe(200);
    expect(await post(setup, ended(api, id, 'failed'))).toBe(200);
    await pause(500);
    await setup.sandbox.control('DELETE', 'faults');
    await until(async () =>
      (await setup.sandbox.requests()).some(({ path, status }) => path === pathOf(id) && status === 200),
    );
    await settled(setup.sandbox);
    expect(await setup.rows()).toMatchObject([{ id, status: 'FAILED' }]);
  },
);

test('news of report types have them read again by whoever asks next, and by nobody before', async () => {
  const setup = await setUp();
  const types = '/v1/reporting/report_types';
  const list = () => setup.gateway.query('{ reportTypes(filter: { api: V1 }) { id } }');
  await list();
  await list();
  expect(await setup.asked(types)).toBe(1);
  expect(await post(setup, snapshot('balance.summary.1', 'reporting.report_type.updated'))).toBe(200);
  await pause(100);
  expect(await setup.asked(types)).toBe(1);
  expect((await list()).errors).toBeUndefined();
  await list();
  expect(await setup.asked(types)).toBe(2);
  // A read that was begun before the news does not know them.
  await post(setup, snapshot('balance.summary.1', 'reporting.report_type.updated'));
  const { id: fault } = await setup.sandbox.control<{ id: string }>('POST', 'faults', {
    kind: 'hold',
    when: 'after',
    path: types,
  });
  const reading = list();
  await held(setup);
  await post(setup, snapshot('balance.summary.1', 'reporting.report_type.updated'));
  await setup.sandbox.control('POST', `faults/${fault}/release`);
  await reading;
  await list();
  expect(await setup.asked(types)).toBe(4);
});

const CREATE = `mutation ($key: String!) {
  createReportRun(input: { v2: { report: "report_test_balance_summary", idempotencyKey: $key,
    parameters: { interval_start: "2026-04-01T00:00:00Z", interval_end: "2026-05-01T00:00:00Z" } } }) {
    reportRun { id }
    userErrors { message }
  }
}`;

interface Created {
  readonly createReportRun: { readonly reportRun: { readonly id: string } | null } | null;
}

test('an event that names the key of a create whose outcome is unknown settles it', async () => {
  const setup = await setUp();
  await setup.sandbox.control('POST', 'settings', { events: false });
  const lost = { method: 'POST', path: V2_RUNS, kind: 'reset' };
  await setup.sandbox.control('POST', 'faults', { ...lost, when: 'after' });
  await setup.sandbox.control('POST', 'faults', { ...lost, times: 0 });
  const first = await setup.gateway.query<Created>(CREATE, { key: 'mine' });
  expect(first.errors?.[0]?.extensions).toMatchObject({ outcome: 'UNKNOWN' });
  const { runs } = await setup.sandbox.control<{ runs: { id: string; idempotencyKey: string }[] }>(
    'GET',
    `runs?account=${ACCOUNT}`,
  );
  const [made] = runs;
  const id = made?.id ?? '';
  const reason = { type: 'request', request: { id: 'req_1', idempotency_key: made?.idempotencyKey } };
  expect(await post(setup, thin(id, 'created', { reason }))).toBe(200);
  const again = await setup.gateway.query<Created>(CREATE, { key: 'mine' });
  expect(again).toEqual({ data: { createReportRun: { reportRun: { id }, userErrors: [] } } });
});
