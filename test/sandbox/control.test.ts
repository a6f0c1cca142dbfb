import { describe, expect, test } from 'vitest';
import { EVENTS, items, start, text, V1_PARAMETERS, V1_RUNS, V2_BODY, V2_RUNS } from './support.js';

describe('an ordered outcome', () => {
  test('is for the next runs of its API and type, so many times', async () => {
    const { clock, control, createV1, createV2, get } = await start();
    await control('POST', 'outcomes', { api: 'V1', type: 'balance.summary.1', outcome: 'failed', times: 2 });
    const paths = [`${V2_RUNS}/${text((await createV2()).body['id'])}`];
    const other = V1_PARAMETERS.replace('balance.summary.1', 'payouts.summary.1');
    for (const form of [other, V1_PARAMETERS, V1_PARAMETERS, V1_PARAMETERS]) {
      paths.push(`${V1_RUNS}/${text((await createV1(form)).body['id'])}`);
    }
    clock.now += 10_000;
    const ends: unknown[] = [];
    for (const path of paths) ends.push((await get(path)).body['status']);
    expect(ends).toEqual(['succeeded', 'succeeded', 'failed', 'failed', 'succeeded']);
  });

  test('may say when: exactly so many seconds later, or at once', async () => {
    const { clock, control, createV1, createV2, get } = await start();
    await control('POST', 'outcomes', { outcome: 'succeeded', afterSeconds: 90 });
    const path = `${V1_RUNS}/${text((await createV1()).body['id'])}`;
    clock.now += 89_999;
    expect((await get(path)).body['status']).toBe('pending');
    clock.now += 1;
    expect((await get(path)).body['status']).toBe('succeeded');
    await control('POST', 'outcomes', { outcome: 'failed', afterSeconds: 0 });
    expect((await createV2()).body['status']).toBe('failed');
  });
});

describe('runs from the control endpoint', () => {
  test('are any number, past all limits, each as much older as is asked', async () => {
    const { clock, control, get } = await start();
    await control('POST', 'settings', { limits: true });
    const order = { account: 'acct_a', count: 120, spacingMs: 1500, status: 'failed' };
    const { ids } = await control('POST', 'runs', { ...order, api: 'V2' });
    expect(new Set(items(ids)).size).toBe(120);
    const { runs } = await control('GET', 'runs?account=acct_a');
    expect(items(runs).map((run) => run['id'])).toEqual(ids);
    expect(items(runs).map((run) => run['created'])).toEqual(
      Array.from({ length: 120 }, (_, i) => clock.now - i * 1500),
    );
    const { body } = await get(`${EVENTS}?limit=100`);
    expect(items(body['data'])).toHaveLength(100);
    expect(body['next_page_url']).not.toBeNull();
    await control('POST', 'runs', {
      account: 'acct_b',
      mode: 'live',
      api: 'V1',
      count: 1,
      type: 'all_fees.incurred_at.itemized.2',
    });
    const live = await get(V1_RUNS, { key: 'sk_live_b' });
    expect(items(live.body['data'])[0]).toMatchObject({ livemode: true, status: 'succeeded' });
  });

  test('run until they are told to finish, or end when it was said', async () => {
    const { clock, control, get } = await start();
    const make = async (more: object) => {
      const made = await control('POST', 'runs', {
        account: 'acct_a',
        api: 'V1',
        count: 1,
        status: 'pending',
        ...more,
      });
      return text(items(made['ids'])[0]);
    };
    const [open, timed] = [await make({}), await make({ endsAfterSeconds: 60 })];
    clock.now += 60_000;
    expect((await get(`${V1_RUNS}/${timed}`)).body['status']).toBe('succeeded');
    expect((await get(`${V1_RUNS}/${open}`)).body['status']).toBe('pending');
    await control('POST', `runs/${open}/finish`, { outcome: 'failed', error: 'Enough.' });
    expect((await get(`${V1_RUNS}/${open}`)).body).toMatchObject({ status: 'failed', error: 'Enough.' });
    await expect(control('POST', `runs/${open}/finish`, { outcome: 'succeeded' })).rejects.toThrow(
      /409.*already failed/,
    );
    await expect(control('POST', 'runs/frr_none/finish', { outcome: 'succeeded' })).rejects.toThrow(/404/);
  });

  test('may be late in lists and in events', async () => {
    const { clock, control, get } = await start();
    for (const api of ['V1', 'V2']) {
      await control('POST', 'runs', { account: 'acct_a', api, count: 3, status: 'running', lateMs: 500 });
    }
    const counts = async () =>
      Promise.all([V1_RUNS, EVENTS].map(async (path) => items((await get(path)).body['data']).length));
    clock.now += 499;
    expect(await counts()).toEqual([0, 0]);
    clock.now += 1;
    expect(await counts()).toEqual([3, 3]);
  });

  test('disappear with all else of their account', async () => {
    const { control, createV1, createV2, get } = await start();
    const keyed = { headers: { 'idempotency-key': 'k' } };
    const first = await createV1(V1_PARAMETERS, keyed);
    await createV2(V2_BODY, { key: 'sk_test_b' });
    await createV2();
    await control('DELETE', 'runs?account=acct_a');
    expect((await get(V1_RUNS)).body['data']).toEqual([]);
    expect((await get(EVENTS)).body['data']).toEqual([]);
    expect((await get(`${V1_RUNS}/${text(first.body['id'])}`)).status).toBe(404);
    expect((await createV1(V1_PARAMETERS, keyed)).body['id']).not.toBe(first.body['id']);
    expect(items((await control('GET', 'runs?account=acct_b'))['runs'])).toHaveLength(1);
  });
});

test('an overlay is laid over every answer that shows the run, until it is taken away', async () => {
  const { control, createV1, createV2, get } = await start();
  const v1 = text((await createV1()).body['id']);
  const v2 = text((await createV2()).body['id']);
  for (const id of [v1, v2]) await control('POST', `runs/${id}/overlay`, { status: 'queued', extra: 1 });
  const shown = async () => [
    (await get(`${V1_RUNS}/${v1}`)).body,
    items((await get(V1_RUNS)).body['data'])[0],
    (await get(`${V2_RUNS}/${v2}`)).body,
  ];
  for (const run of await shown()) expect(run).toMatchObject({ status: 'queued', extra: 1 });
  for (const id of [v1, v2]) await control('POST', `runs/${id}/overlay`, null);
  for (const run of await shown()) expect(run).not.toHaveProperty('extra');
});

test('settings are changed one by one, and shown', async () => {
  const { control } = await start({ strict: true, runSeconds: 7 });
  const usual = {
    limits: true,
    lateRunsMs: 1000,
    lateEventsMs: 2000,
    v2ConcurrentRuns: 5,
    runSeconds: 7,
    events: true,
    webhookDelayMs: 0,
    webhookShuffleMs: 0,
    webhookCopies: 1,
    webhookDrop: 0,
    webhookRetries: 5,
    webhookRetryMs: 1000,
    ranges: true,
  };
  expect(await control('GET', 'settings')).toEqual(usual);
  expect(await control('POST', 'settings', { runSeconds: 0.5 })).toEqual({ ...usual, runSeconds: 0.5 });
  expect(await control('GET', 'settings')).toEqual({ ...usual, runSeconds: 0.5 });
});

test.each([
  ['settings', { speed: 1 }, /Unknown field 'speed'/],
  ['settings', { runSeconds: -1 }, /'runSeconds' must be a number of at least 0, not -1/],
  ['outcomes', {}, /'outcome' is required/],
  ['runs', { api: 'V3', count: 1 }, /'api' must be one of V1, V2, not \\"V3\\"/],
  ['runs', { api: 'V1' }, /'count' is required/],
  ['runs', [], /must be a JSON object/],
  ['nothing', {}, /has no POST \/_sandbox\/nothing/],
])('POST /_sandbox/%s %o is refused', async (path, body, message) => {
  const { control } = await start();
  await expect(control('POST', path, body)).rejects.toThrow(message);
});
