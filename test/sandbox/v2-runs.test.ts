import { describe, expect, test } from 'vitest';
import { start, V2_BODY, V2_RUNS } from './support.js';

const interval = V2_BODY.report_parameters;

describe('a v2 run', () => {
  test('is running, then succeeded with a link to its file', async () => {
    const { sandbox, clock, createV2, get } = await start();
    const created = await createV2();
    const id = String(created.body['id']);
    expect(created.status).toBe(200);
    expect(id).toMatch(/^reprun_test_\w{24}$/);
    const running = {
      id,
      object: 'v2.reporting.report_run',
      created: '2026-05-20T15:00:00.250Z',
      livemode: false,
      report: 'report_test_balance_summary',
      report_name: 'Balance summary',
      report_parameters: {
        interval_start: '2026-04-01T00:00:00.000Z',
        interval_end: '2026-05-01T00:00:00.000Z',
      },
      result: null,
      result_options: { compress_file: false },
      status: 'running',
      status_details: {},
    };
    expect(created.body).toEqual(running);
    clock.now += 10_000;
    const { body } = await get(`${V2_RUNS}/${id}`);
    expect(body).toEqual({
      ...running,
      status: 'succeeded',
      result: {
        type: 'file',
        file: {
          content_type: 'csv',
          size: expect.stringMatching(/^\d+$/),
          download_url: {
            url: expect.stringContaining(`${sandbox.origin}/blob/`),
            expires_at: new Date(clock.now + 300_000).toISOString(),
          },
        },
      },
    });
  });

  test('that fails has the reason in status_details', async () => {
    const { clock, control, createV2, get } = await start();
    await control('POST', 'outcomes', {
      api: 'V2',
      outcome: 'failed',
      error: 'Too big.',
      errorCode: 'file_size_above_limit',
    });
    const { body } = await createV2();
    clock.now += 10_000;
    expect((await get(`${V2_RUNS}/${String(body['id'])}`)).body).toMatchObject({
      status: 'failed',
      result: null,
      status_details: { failed: { error_code: 'file_size_above_limit', error_message: 'Too big.' } },
    });
  });

  test.each([
    ['2025-08-27.preview', 'wrapped', 'number'],
    ['2025-11-17.clover', 'plain', 'number'],
    ['2026-01-28.preview', 'plain', 'string'],
  ])('in version %s has %s parameters and a size that is a %s', async (version, form, size) => {
    const { clock, createV2, get } = await start();
    const headers = { 'stripe-version': version };
    const report = 'report_test_payouts_itemized';
    const parameters = { ...interval, columns: ['net'], timezone: 'Europe/Zurich' };
    const { body } = await createV2({ report, report_parameters: parameters }, { headers });
    const wrap = (array: unknown, text: unknown, time: unknown) => ({
      array_value: array,
      string_value: text,
      timestamp_value: time,
    });
    expect(body['report_parameters']).toEqual(
      form === 'plain'
        ? { ...parameters, interval_start: '2026-04-01T00:00:00.000Z' }
        : {
            interval_start: wrap(null, null, '2026-04-01T00:00:00.000Z'),
            interval_end: wrap(null, null, '2026-05-01T00:00:00.000Z'),
            columns: wrap({ items: ['net'] }, null, null),
            timezone: wrap(null, 'Europe/Zurich', null),
          },
    );
    clock.now += 10_000;
    const done = await get(`${V2_RUNS}/${String(body['id'])}`, { headers });
    expect(typeof done.body['result']?.['file']?.['size']).toBe(size);
  });

  test('may be created with wrapped parameters', async () => {
    const { createV2 } = await start();
    const wrapped = {
      interval_start: { timestamp_value: interval.interval_start, string_value: null, array_value: null },
      interval_end: { timestamp_value: interval.interval_end },
      columns: { array_value: { items: ['net'] } },
    };
    const { body } = await createV2({ report: 'report_test_payouts_itemized', report_parameters: wrapped });
    expect(body['report_parameters']).toMatchObject({
      interval_start: '2026-04-01T00:00:00.000Z',
      columns: ['net'],
    });
  });

  test('shows the columns of its file on request', async () => {
    const { clock, createV2, get } = await start();
    const { body } = await createV2();
    clock.now += 10_000;
    const path = `${V2_RUNS}/${String(body['id'])}`;
    const { body: shown } = await get(`${path}?include[0]=result.file.schema`);
    expect(shown['result']?.['file']?.['schema']).toContainEqual({ name: 'net_amount', type: 'double' });
    expect((await get(`${path}?include[0]=everything`)).status).toBe(400);
  });

  test.each([
    ['no report', { report_parameters: interval }, 'report'],
    ['an unknown report', { ...V2_BODY, report: 'report_test_none' }, 'report'],
    ['no parameters', { report: V2_BODY.report }, 'report_parameters'],
    ['an unknown field', { ...V2_BODY, colour: 'red' }, 'colour'],
    [
      'an unknown parameter',
      { ...V2_BODY, report_parameters: { ...interval, payout: 'po_1' } },
      'report_parameters.payout',
    ],
    [
      'a missing parameter',
      { ...V2_BODY, report_parameters: { interval_end: interval.interval_end } },
      'interval_start',
    ],
    [
      'a time as seconds',
      { ...V2_BODY, report_parameters: { ...interval, interval_start: 1775001600 } },
      'interval_start',
    ],
    [
      'a date without time',
      { ...V2_BODY, report_parameters: { ...interval, interval_start: '2026-04-01' } },
      'interval_start',
    ],
    [
      'a start after the end',
      { ...V2_BODY, report_parameters: { ...interval, interval_start: '2026-05-01T00:00:00Z' } },
      'interval_start',
    ],
    [
      'an end without data yet',
      { ...V2_BODY, report_parameters: { ...interval, interval_end: '2026-05-20T12:00:01Z' } },
      'interval_end',
    ],
    [
      'options that are none',
      { ...V2_BODY, result_options: { compress_file: 'yes' } },
      'result_options.compress_file',
    ],
    [
      'an unknown category',
      { report: 'report_test_activity_itemized', report_parameters: { ...interval, category: 'x' } },
      'category',
    ],
    [
      'an unknown column',
      { report: 'report_test_activity_itemized', report_parameters: { ...interval, columns: ['x'] } },
      'columns',
    ],
    [
      'an unknown timezone',
      { ...V2_BODY, report_parameters: { ...interval, timezone: 'Mars/Olympus' } },
      'timezone',
    ],
  ])('is refused with %s', async (_, request, field) => {
    const { createV2 } = await start();
    const { status, body } = await createV2(request);
    expect(status).toBe(400);
    expect(body['error']).toMatchObject({ code: 'invalid_fields', message: expect.stringContaining(field) });
  });

  test.each([
    ['text/plain', '{}'],
    ['application/json', '{"report"'],
    ['application/json', '[]'],
  ])('is refused with a body of %s: %s', async (type, body) => {
    const { call } = await start();
    const reply = await call('POST', V2_RUNS, { headers: { 'content-type': type }, body });
    expect([reply.status, reply.body['error']?.['code']]).toEqual([400, 'invalid_fields']);
  });

  test('is refused with 429 while five are running', async () => {
    const { clock, control, createV2 } = await start();
    for (let i = 0; i < 5; i++) expect((await createV2()).status).toBe(200);
    const { status, body } = await createV2();
    expect(status).toBe(429);
    expect(body).toEqual({
      error: {
        code: 'report_run_rate_limit_exceeded',
        message:
          'API key has reached its limit of concurrently running reports. Wait for existing reports to complete before retrying',
        type: 'rate_limit',
      },
    });
    expect((await createV2(V2_BODY, { key: 'sk_test_b' })).status).toBe(200);
    clock.now += 10_000;
    expect((await createV2()).status).toBe(200);
    await control('POST', 'settings', { v2ConcurrentRuns: 1 });
    expect((await createV2()).status).toBe(429);
  });

  test('that does not exist, or is of v1, is not_found', async () => {
    const { createV1, get } = await start();
    const { body } = await createV1();
    for (const id of ['reprun_test_none', String(body['id'])]) {
      const reply = await get(`${V2_RUNS}/${id}`);
      expect([reply.status, reply.body['error']?.['code']]).toEqual([404, 'not_found']);
    }
  });
});

describe('a v2 report', () => {
  test('describes its parameters', async () => {
    const { get } = await start();
    const { body } = await get('/v2/reporting/reports/report_test_activity_itemized');
    const time = { min: '2022-11-09T00:00:00.000Z', max: '2026-05-20T12:00:00.000Z' };
    expect(body).toMatchObject({
      id: 'report_test_activity_itemized',
      object: 'v2.reporting.report',
      livemode: false,
      name: 'Itemized balance change from activity',
      parameters: {
        interval_start: { type: 'timestamp', required: true, timestamp_details: time, enum_details: null },
        interval_end: { type: 'timestamp', required: true, timestamp_details: time },
        columns: {
          type: 'array',
          required: false,
          array_details: {
            element_type: 'enum',
            enum_details: { allowed_values: expect.arrayContaining(['net']) },
          },
        },
        category: { type: 'enum', enum_details: { allowed_values: expect.arrayContaining(['charge']) } },
        timezone: { type: 'string', array_details: null, enum_details: null, timestamp_details: null },
      },
    });
  });

  test('that does not exist is not_found; live keys have reports of their own', async () => {
    const { get } = await start();
    const path = '/v2/reporting/reports';
    expect((await get(`${path}/report_test_none`)).body['error']?.['code']).toBe('not_found');
    expect((await get(`${path}/report_test_balance_summary`, { key: 'sk_live_a' })).status).toBe(404);
    expect((await get(`${path}/report_balance_summary`, { key: 'sk_live_a' })).body['livemode']).toBe(true);
  });
});
