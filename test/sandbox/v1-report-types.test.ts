import { describe, expect, test } from 'vitest';
import { day, items, start } from './support.js';

describe('report types', () => {
  test('are listed whole: 62 with a test key, 65 with a live one', async () => {
    const { get } = await start();
    const path = '/v1/reporting/report_types';
    const { body } = await get(path);
    expect(body).toMatchObject({ object: 'list', url: path, has_more: false });
    expect(items(body['data'])).toHaveLength(62);
    expect(items((await get(path, { key: 'sk_live_a' })).body['data'])).toHaveLength(65);
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
