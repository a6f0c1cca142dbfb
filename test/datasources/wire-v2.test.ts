import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createStripeV2, type StripeV2 } from '../../src/datasources/stripe-v2.js';
import { runV2, succeededV2 } from './samples.js';
import { API_KEY, failure, json, startUpstream, type Upstream, V2_VERSION } from './upstream.js';

let upstream: Upstream;
let v2: StripeV2;

beforeEach(async () => {
  upstream = await startUpstream();
  v2 = createStripeV2(upstream.transport());
});
afterEach(() => upstream[Symbol.asyncDispose]());

const answerWith = (body: unknown) => upstream.answer((response) => json(response, 200, body));
const arrived = () => upstream.requests.map(({ method, url }) => `${method} ${url}`);

describe('v2 on the wire', () => {
  it('sends JSON, the version and the key with a create', async () => {
    answerWith(runV2);
    const parameters = { interval_start: '2025-08-18T00:00:00.000Z', columns: ['a', 'b'] };
    await v2.createRun({ api: 'V2', report: 'report_1', parameters, compressFile: true }, 'our-key-2');
    await v2.createRun({ api: 'V2', report: 'report_1', parameters, compressFile: null }, 'our-key-3');
    expect(upstream.requests[0]?.headers).toMatchObject({
      authorization: `Bearer ${API_KEY}`,
      'content-type': 'application/json',
      'idempotency-key': 'our-key-2',
      'stripe-version': V2_VERSION,
    });
    expect(upstream.requests.map(({ body }) => JSON.parse(body))).toEqual([
      { report: 'report_1', report_parameters: parameters, result_options: { compress_file: true } },
      { report: 'report_1', report_parameters: parameters },
    ]);
    expect(arrived()[0]).toBe('POST /v2/reporting/report_runs');
  });

  it('reads a run, a report and a fresh link, each with the version', async () => {
    answerWith(succeededV2);
    expect(await v2.retrieveRun('reprun_test_xxx')).toMatchObject({ run: { status: 'SUCCEEDED' } });
    expect(await v2.downloadUrl('reprun_test_xxx')).toEqual({
      url: 'https://stripeusercontent.com/files/us',
      expiresAt: Date.parse('2025-08-26T00:05:00.000Z'),
      size: 2121n,
      contentType: 'CSV',
    });
    answerWith({ id: 'report_1', object: 'v2.reporting.report', name: 'Balance', parameters: {} });
    expect(await v2.retrieveReport('report_1')).toMatchObject({ type: { api: 'V2', name: 'Balance' } });
    answerWith(runV2);
    expect(await failure(v2.downloadUrl('reprun_test_xxx'))).toMatchObject({ kind: 'not_found' });
    expect(arrived()[2]).toBe('GET /v2/reporting/reports/report_1');
    expect(upstream.requests.map(({ headers }) => headers['stripe-version'])).toEqual(
      Array(4).fill(V2_VERSION),
    );
  });

  it('asks for the events of runs alone, and follows the pages', async () => {
    const event = {
      id: 'evt_1',
      object: 'v2.core.event',
      type: 'v2.reporting.report_run.created',
      created: '2025-08-26T00:00:00.123456789Z',
      reason: { type: 'request', request: { id: 'req_1', idempotency_key: 'our-key' } },
      related_object: {
        id: 'reprun_1',
        type: 'v2.reporting.report_run',
        url: '/v2/reporting/report_runs/reprun_1',
      },
    };
    const later = { ...event, id: 'evt_2', type: 'v2.reporting.report_run.failed', reason: null };
    const next = '/v2/core/events?page=abc%2F1&limit=100';
    answerWith({ data: [event, later, { ...event, related_object: null }], next_page_url: next });
    const page = await v2.listEvents({ createdFrom: Date.parse('2025-08-01T00:00:00Z') });
    const createdAt = Date.parse('2025-08-26T00:00:00.123Z');
    expect(page).toEqual({
      events: [
        { id: 'evt_1', type: event.type, createdAt, runId: 'reprun_1', idempotencyKey: 'our-key' },
        { id: 'evt_2', type: later.type, createdAt, runId: 'reprun_1', idempotencyKey: null },
      ],
      nextPage: next,
      requestId: 'req_wire',
      skipped: 1,
    });
    answerWith({ data: [], next_page_url: null });
    expect(await v2.listEvents({ createdFrom: 0, page: page.nextPage })).toMatchObject({ nextPage: null });
    const [first, second] = upstream.requests;
    expect(second?.url).toBe(next);
    expect([...new URL(first?.url ?? '', upstream.base).searchParams]).toEqual([
      ['types[0]', 'v2.reporting.report_run.created'],
      ['types[1]', 'v2.reporting.report_run.updated'],
      ['types[2]', 'v2.reporting.report_run.succeeded'],
      ['types[3]', 'v2.reporting.report_run.failed'],
      ['created[gte]', '2025-08-01T00:00:00.000Z'],
      ['limit', '100'],
    ]);
  });

  it.each([
    'https://elsewhere.example/v2/core/events?page=1',
    '//elsewhere.example/v2/core/events?page=1',
    '/v2/core/events/../accounts?page=1',
    '/v2/core/eventsx?page=1',
    '/v1/account',
    '/v2/core/events?page=1 HTTP/1.1',
    '',
    7,
  ])('does not follow a next page to %j', async (next) => {
    answerWith({ data: [], next_page_url: next });
    expect(await failure(v2.listEvents({ createdFrom: 0 }))).toMatchObject({ kind: 'contract' });
    if (typeof next !== 'string') return;
    expect(await failure(v2.listEvents({ createdFrom: 0, page: next }))).toMatchObject({ kind: 'invalid' });
    expect(upstream.requests).toHaveLength(1);
  });
});
