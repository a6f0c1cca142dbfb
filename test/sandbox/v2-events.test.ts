import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { EVENTS, items, link, start, text, V2_BODY } from './support.js';
import type { Json } from './support.js';

const CREATED = 'types[0]=v2.reporting.report_run.created';

const words = (page: Json) => items(page['data']).map((event) => text(event['type']).split('.').at(-1));
const seen = (page: Json) => items(page['data']).map((event) => text(event['id']));

test('a run tells of its creation, and at its end of the change and the end', async () => {
  const { clock, control, createV2, get } = await start();
  await control('POST', 'outcomes', {
    outcome: 'failed',
    error: 'Too big.',
    errorCode: 'file_size_above_limit',
  });
  const created = await createV2(V2_BODY, { headers: { 'idempotency-key': 'k' } });
  const runId = text(created.body['id']);
  const first = await get(EVENTS);
  const url = `/v2/reporting/report_runs/${runId}`;
  const event = {
    id: expect.stringMatching(/^evt_test_/),
    object: 'v2.core.event',
    created: '2026-05-20T15:00:00.250Z',
    livemode: false,
    reason: { type: 'request', request: { id: created.headers.get('request-id'), idempotency_key: 'k' } },
    related_object: { id: runId, type: 'v2.reporting.report_run', url },
    type: 'v2.reporting.report_run.created',
  };
  expect(first.body).toEqual({ data: [event], next_page_url: null, previous_page_url: null });
  clock.now += 10_000;
  const { body } = await get(EVENTS);
  expect(words(body)).toEqual(['failed', 'updated', 'created']);
  const { body: failed } = await get(`${EVENTS}/${seen(body)[0]}`);
  expect(failed).toMatchObject({
    type: 'v2.reporting.report_run.failed',
    reason: null,
    data: {},
    changes: {
      before: { status: 'running', status_details: {} },
      after: {
        status: 'failed',
        status_details: { failed: { error_code: 'file_size_above_limit', error_message: 'Too big.' } },
      },
    },
  });
  expect((await get(`${EVENTS}/evt_none`)).body['error']?.['code']).toBe('not_found');
});

test('a run that succeeds tells its status alone', async () => {
  const { clock, createV2, get } = await start();
  await createV2();
  clock.now += 10_000;
  const { body } = await get(EVENTS);
  expect(words(body)).toEqual(['succeeded', 'updated', 'created']);
  const { body: event } = await get(`${EVENTS}/${seen(body)[0]}`);
  expect(event['changes']).toEqual({ before: { status: 'running' }, after: { status: 'succeeded' } });
});

test('pages of any size, in both directions, are one sequence, and what comes meanwhile moves nothing', async () => {
  const { clock, control, get } = await start();
  const cases = fc.record({ count: fc.integer({ min: 1, max: 30 }), limit: fc.integer({ min: 1, max: 12 }) });
  const property = fc.asyncProperty(cases, async ({ count, limit }) => {
    await control('DELETE', 'runs?account=acct_a');
    await control('POST', 'runs', { account: 'acct_a', api: 'V2', count, spacingMs: 700, status: 'running' });
    const all = seen((await get(`${EVENTS}?limit=100&${CREATED}`)).body);
    expect(all).toHaveLength(count);
    const down: string[] = [];
    let tail: Json = {};
    for (let path: string | null = `${EVENTS}?limit=${limit}&${CREATED}`; path !== null; ) {
      const { body } = await get(path);
      down.push(...seen(body));
      tail = body;
      path = link(body['next_page_url']);
      await control('POST', 'runs', {
        account: 'acct_a',
        api: 'V2',
        count: 1,
        createdAt: clock.now + 1000,
        status: 'running',
      });
    }
    expect(down).toEqual(all);
    const up = seen(tail);
    for (let path = link(tail['previous_page_url']); path !== null; ) {
      const { body } = await get(path);
      up.unshift(...seen(body));
      path = link(body['previous_page_url']);
    }
    expect(up.slice(-count)).toEqual(all);
  });
  await fc.assert(property, { numRuns: 15 });
});

test('filters by type, run and time', async () => {
  const { clock, createV2, get } = await start();
  const { body: run } = await createV2();
  clock.now += 60_000;
  await createV2();
  const then = new Date(clock.now).toISOString();
  expect(words((await get(`${EVENTS}?${CREATED}`)).body)).toEqual(['created', 'created']);
  expect(words((await get(`${EVENTS}?object_id=${text(run['id'])}`)).body)).toEqual([
    'succeeded',
    'updated',
    'created',
  ]);
  expect(words((await get(`${EVENTS}?created[gte]=${then}`)).body)).toEqual(['created']);
  expect(words((await get(`${EVENTS}?created[gt]=${then}`)).body)).toEqual([]);
  expect(words((await get(`${EVENTS}?created[lt]=${then}&${CREATED}`)).body)).toEqual(['created']);
});

test('forgets what is older than 30 days', async () => {
  const { clock, control, get } = await start();
  await control('POST', 'runs', { account: 'acct_a', api: 'V2', count: 3, spacingMs: 15 * 24 * 3_600_000 });
  expect(words((await get(`${EVENTS}?${CREATED}`)).body)).toEqual(['created', 'created']);
  clock.now += 16 * 24 * 3_600_000;
  expect(words((await get(`${EVENTS}?${CREATED}`)).body)).toEqual(['created']);
});

test('shows an event up to two seconds late, with its true time', async () => {
  let n = 0;
  const random = () => {
    n += 1;
    return (n * 0.618_033_988_7) % 1;
  };
  const { clock, control, createV2, get } = await start({ random });
  await control('POST', 'settings', { lateEventsMs: 2000, v2ConcurrentRuns: 50, runSeconds: 60 });
  const born = new Date(clock.now).toISOString();
  for (let i = 0; i < 12; i++) await createV2();
  const shown = async () => items((await get(EVENTS)).body['data']);
  const atOnce = (await shown()).length;
  clock.now += 1000;
  const half = (await shown()).length;
  clock.now += 1000;
  const all = await shown();
  expect([atOnce, half > 0 && half < 12, all.length]).toEqual([0, true, 12]);
  expect(new Set(all.map((event) => text(event['created'])))).toEqual(new Set([born]));
  const { runs } = await control('GET', 'runs?account=acct_a');
  await control('POST', `runs/${text(items(runs)[0]?.['id'])}/finish`, { outcome: 'succeeded' });
  const justEnded = (await shown()).length;
  clock.now += 2000;
  expect([justEnded, (await shown()).length]).toEqual([12, 14]);
});

test('says nothing of what happens while events are off', async () => {
  const { clock, control, createV2, get } = await start();
  await createV2();
  await control('POST', 'settings', { events: false });
  await createV2();
  clock.now += 10_000;
  await control('POST', 'settings', { events: true });
  clock.now += 10_000;
  expect(words((await get(EVENTS)).body)).toEqual(['created']);
});

test.each([
  'limit=0',
  'limit=101',
  'page=x',
  'types=all',
  'created[gte]=soon',
  'created[around]=2026-01-01T00:00:00Z',
  'colour=red',
])('refuses ?%s', async (query) => {
  const { get } = await start();
  const { status, body } = await get(`${EVENTS}?${query}`);
  expect([status, body['error']?.['code']]).toEqual([400, 'invalid_fields']);
});

test('a page keeps its filters', async () => {
  const { createV2, get } = await start();
  await createV2();
  await createV2();
  const { body } = await get(`${EVENTS}?limit=1&${CREATED}`);
  const next = text(body['next_page_url']);
  expect(next).toMatch(/^\/v2\/core\/events\?page=/);
  expect((await get(`${next}&limit=1`)).status).toBe(200);
  expect((await get(`${next}&limit=2`)).status).toBe(400);
  expect((await get(`${next}&object_id=x`)).status).toBe(400);
});
