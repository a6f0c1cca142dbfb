import { describe, expect, test } from 'vitest';
import { start } from './support.js';

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
