import { describe, expect, test } from 'vitest';
import { start, V2_BODY, V2_RUNS } from './support.js';

const interval = V2_BODY.report_parameters;

describe('a v2 run', () => {
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
});
