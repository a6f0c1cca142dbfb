import { describe, expect, test } from 'vitest';
import { day, start, text, V1_PARAMETERS, V1_RUNS } from './support.js';

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
    const id = text(created.body['id']);
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
    const failed = await get(`${V1_RUNS}/${text(body['id'])}`);
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
