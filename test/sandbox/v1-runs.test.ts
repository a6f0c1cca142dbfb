import { describe, expect, test } from 'vitest';
import { day, items, start, V1_PARAMETERS, V1_RUNS } from './support.js';

const interval = (from: number, to: number) =>
  `&parameters[interval_start]=${from}&parameters[interval_end]=${to}`;
const april = interval(day(2026, 4, 1), day(2026, 5, 1));

describe('a v1 run', () => {
  test('is pending, then succeeded with its file', async () => {
    const { sandbox, clock, createV1, get } = await start({ runSeconds: 60 });
    const created = await createV1(
      `${V1_PARAMETERS}&parameters[columns][]=currency&parameters[columns][]=net_amount`,
    );
    expect(created.status).toBe(200);
    const id = String(created.body['id']);
    expect(id).toMatch(/^frr_1\w{23}$/);
    const pending = {
      id,
      object: 'reporting.report_run',
      created: Math.floor(clock.now / 1000),
      error: null,
      livemode: false,
      parameters: {
        interval_start: day(2026, 4, 1),
        interval_end: day(2026, 5, 1),
        columns: ['currency', 'net_amount'],
      },
      report_type: 'balance.summary.1',
      result: null,
      status: 'pending',
      succeeded_at: null,
    };
    expect(created.body).toEqual(pending);
    clock.now += 47_000;
    expect((await get(`${V1_RUNS}/${id}`)).body).toEqual(pending);
    clock.now += 26_000;
    const { body } = await get(`${V1_RUNS}/${id}`);
    const fileId = id.replace('frr_', 'file_');
    expect(body).toEqual({
      ...pending,
      status: 'succeeded',
      succeeded_at: expect.any(Number),
      result: {
        id: fileId,
        object: 'file',
        created: body['succeeded_at'],
        expires_at: Number(body['succeeded_at']) + 365 * 86_400,
        filename: `${id}.csv`,
        links: { object: 'list', data: [], has_more: false, url: `/v1/file_links?file=${fileId}` },
        purpose: 'finance_report_run',
        size: expect.any(Number),
        title: `FinanceReportRun ${id}`,
        type: 'csv',
        url: `${sandbox.origin}/v1/files/${fileId}/contents`,
      },
    });
    const took = Number(body['succeeded_at']) - Number(body['created']);
    expect(took).toBeGreaterThanOrEqual(48);
    expect(took).toBeLessThanOrEqual(73);
    expect((await get(`/v1/files/${fileId}`)).body).toEqual(body['result']);
  });

  test('that fails says why in `error`, with HTTP 200', async () => {
    const { clock, control, createV1, get } = await start();
    await control('POST', 'outcomes', { outcome: 'failed', error: 'Too much data.' });
    const { body } = await createV1();
    clock.now += 10_000;
    const failed = await get(`${V1_RUNS}/${String(body['id'])}`);
    expect(failed.status).toBe(200);
    expect(failed.body).toMatchObject({
      status: 'failed',
      error: 'Too much data.',
      result: null,
      succeeded_at: null,
    });
  });

  test.each(['frr_1nothing', 'reprun_test_x', 'x%2Fy', '%zz'])(
    '%s that does not exist is a 404',
    async (id) => {
      const { get } = await start();
      const { status, body } = await get(`${V1_RUNS}/${id}`);
      expect(status).toBe(404);
      expect(body['error']).toMatchObject({ code: 'resource_missing', type: 'invalid_request_error' });
    },
  );
});

describe('creating a v1 run is refused', () => {
  test.each([
    ['without a type', april.slice(1), 'report_type', /^Missing required param: report_type\.$/],
    [
      'with an unknown field',
      `${V1_PARAMETERS}&colour=red`,
      'colour',
      /^Received unknown parameter: colour$/,
    ],
    ['with an unknown expansion', `${V1_PARAMETERS}&expand[]=owner`, 'expand', /cannot be expanded/],
    [
      'without an end',
      V1_PARAMETERS.replace(/&parameters\[interval_end\].*/, ''),
      'parameters.interval_end',
      /^Missing required/,
    ],
    [
      'with parameters that are none',
      'report_type=balance.summary.1&parameters=1',
      'parameters',
      /^Invalid hash$/,
    ],
    [
      'with a parameter the type lacks',
      `${V1_PARAMETERS}&parameters[payout]=po_1`,
      'parameters.payout',
      /unknown parameter/,
    ],
    [
      'with a fraction of a second',
      `${V1_PARAMETERS}&parameters[interval_start]=1775001600.5`,
      'parameters.interval_start',
      /^Invalid integer: 1775001600\.5$/,
    ],
    [
      'with an unknown timezone',
      `${V1_PARAMETERS}&parameters[timezone]=Mars/Olympus`,
      'parameters.timezone',
      /Mars\/Olympus/,
    ],
    [
      'with a currency in capitals',
      `${V1_PARAMETERS}&parameters[currency]=USD`,
      'parameters.currency',
      /USD/,
    ],
    [
      'with a column a summary lacks',
      `${V1_PARAMETERS}&parameters[columns][0]=iban`,
      'parameters.columns',
      /iban/,
    ],
    [
      'with a value that is also a hash',
      `${V1_PARAMETERS}&parameters[currency][x]=1&parameters[currency]=usd`,
      'parameters[currency]',
      /both/,
    ],
    [
      'with an empty interval',
      `report_type=balance.summary.1${interval(day(2026, 4, 1), day(2026, 4, 1))}`,
      'parameters.interval_start',
      /strictly before/,
    ],
    [
      'before there is data',
      `report_type=balance.summary.1${interval(day(2022, 11, 9) - 1, day(2026, 4, 1))}`,
      'parameters.interval_start',
      /^Data for the report type balance\.summary\.1 is only available starting at 2022-11-09 00:00:00 UTC; you requested `interval_start` = 2022-11-08 23:59:59 UTC\.$/,
    ],
    [
      'after there is data',
      `report_type=payout_reconciliation.itemized.5${interval(day(2026, 4, 1), day(2026, 5, 21))}`,
      'parameters.interval_end',
      /^Data for the report type payout_reconciliation\.itemized\.5 is only available through 2026-05-20 12:00:00 UTC; you requested `interval_end` = 2026-05-21 00:00:00 UTC\.$/,
    ],
  ])('%s', async (_, form, param, message) => {
    const { createV1, get } = await start();
    const { status, body } = await createV1(form);
    expect(status).toBe(400);
    expect(body['error']).toMatchObject({
      type: 'invalid_request_error',
      param,
      message: expect.stringMatching(message),
    });
    expect((await get(V1_RUNS)).body['data']).toEqual([]);
  });

  test('for a type that does not exist', async () => {
    const { createV1 } = await start();
    const { status, body } = await createV1(`report_type=balance.summary.99${april}`);
    expect(status).toBe(404);
    expect(body['error']).toMatchObject({
      code: 'resource_missing',
      param: 'report_type',
      type: 'invalid_request_error',
    });
  });

  test('with a test key for a type of live data only', async () => {
    const { createV1, get } = await start();
    const id = 'all_fees.incurred_at.itemized.2';
    const { status, body } = await createV1(`report_type=${id}${april}`);
    expect(status).toBe(404);
    expect(body['error']?.['message']).toBe(
      'This report type is only available for live data and requires a live mode key.',
    );
    expect((await get(`/v1/reporting/report_types/${id}`)).status).toBe(404);
    const live = await createV1(`report_type=${id}${april}`, { key: 'sk_live_a' });
    expect([live.status, live.body['livemode']]).toEqual([200, true]);
  });
});

test('what a type takes beside the interval is accepted, and shown as it was given', async () => {
  const { createV1 } = await start();
  const extra =
    '&parameters[timezone]=Europe/Zurich&parameters[currency]=chf&parameters[reporting_category]=charge' +
    '&parameters[decimal_separator]=%2C&parameters[columns][1]=net&parameters[columns][0]=payment_metadata%5Border_id%5D';
  const { status, body } = await createV1(`report_type=payouts.itemized.3${april}${extra}`);
  expect(status).toBe(200);
  expect(body['parameters']).toEqual({
    interval_start: day(2026, 4, 1),
    interval_end: day(2026, 5, 1),
    timezone: 'Europe/Zurich',
    currency: 'chf',
    reporting_category: 'charge',
    decimal_separator: ',',
    columns: ['payment_metadata[order_id]', 'net'],
  });
  const byId = 'connected_account_payout_reconciliation.by_id.itemized.4';
  const other = await createV1(
    `report_type=${byId}&parameters[connected_account]=acct_1&parameters[payout]=po_1`,
  );
  expect(other.status).toBe(200);
});

describe('report types', () => {
  test('are listed whole: 62 with a test key, 65 with a live one', async () => {
    const { get } = await start();
    const path = '/v1/reporting/report_types';
    const { body } = await get(path);
    expect(body).toMatchObject({ object: 'list', url: path, has_more: false });
    expect(items(body['data'] as never)).toHaveLength(62);
    expect(items((await get(path, { key: 'sk_live_a' })).body['data'] as never)).toHaveLength(65);
    expect((await get(`${path}?limit=3`)).status).toBe(400);
  });

  test('have data until the last noon or midnight UTC', async () => {
    const { clock, get } = await start();
    const path = '/v1/reporting/report_types/balance.summary.1';
    expect((await get(path)).body).toEqual({
      id: 'balance.summary.1',
      object: 'reporting.report_type',
      data_available_end: day(2026, 5, 20) + 12 * 3600,
      data_available_start: day(2022, 11, 9),
      default_columns: ['category', 'description', 'net_amount', 'currency'],
      livemode: false,
      name: 'Balance summary',
      updated: day(2026, 5, 20) + 12 * 3600,
      version: 1,
    });
    clock.now = Date.UTC(2026, 4, 21, 0, 0, 0);
    expect((await get(path)).body['data_available_end']).toBe(day(2026, 5, 21));
  });

  test('whose columns cannot be chosen say so', async () => {
    const { get } = await start();
    const { body } = await get(
      '/v1/reporting/report_types/connect.negative_balance_refunds_disputes_overview.1',
    );
    expect(body['default_columns']).toBeNull();
  });
});
