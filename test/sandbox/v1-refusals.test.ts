import { describe, expect, test } from 'vitest';
import { day, start, V1_PARAMETERS, V1_RUNS } from './support.js';

const interval = (from: number, to: number) =>
  `&parameters[interval_start]=${from}&parameters[interval_end]=${to}`;
const april = interval(day(2026, 4, 1), day(2026, 5, 1));

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
