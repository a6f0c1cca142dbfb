import { describe, expect, test } from 'vitest';
import { start, text, V2_BODY, V2_RUNS } from './support.js';

const interval = V2_BODY.report_parameters;

describe('a v2 run', () => {
  test('is running, then succeeded with a link to its file', async () => {
    const { sandbox, clock, createV2, get } = await start();
    const created = await createV2();
    const id = text(created.body['id']);
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
    expect((await get(`${V2_RUNS}/${text(body['id'])}`)).body).toMatchObject({
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
    const done = await get(`${V2_RUNS}/${text(body['id'])}`, { headers });
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
    const path = `${V2_RUNS}/${text(body['id'])}`;
    const { body: shown } = await get(`${path}?include[0]=result.file.schema`);
    expect(shown['result']?.['file']?.['schema']).toContainEqual({ name: 'net_amount', type: 'double' });
    expect((await get(`${path}?include[0]=everything`)).status).toBe(400);
  });

  test('that does not exist, or is of v1, is not_found', async () => {
    const { createV1, get } = await start();
    const { body } = await createV1();
    for (const id of ['reprun_test_none', text(body['id'])]) {
      const reply = await get(`${V2_RUNS}/${id}`);
      expect([reply.status, reply.body['error']?.['code']]).toEqual([404, 'not_found']);
    }
  });
});
