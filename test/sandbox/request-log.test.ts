import { describe, expect, test } from 'vitest';
import { EVENTS, items, start, V1_PARAMETERS, V1_RUNS } from './support.js';

describe('the log of requests', () => {
  test('has each request with what it brought and got, but not those to the control endpoint', async () => {
    const { clock, control, createV1, get } = await start();
    const created = await createV1(V1_PARAMETERS, { headers: { 'idempotency-key': 'k' } });
    await get(`${EVENTS}?limit=3`, { key: 'rk_live_shop' });
    await get('/blob/x', { key: null });
    const usual = {
      at: clock.now,
      idempotencyKey: null,
      requestId: expect.stringMatching(/^req_/),
      version: null,
      range: null,
      bytesSent: expect.any(Number),
    };
    expect(await control('GET', 'requests')).toEqual({
      requests: [
        {
          ...usual,
          seq: 1,
          method: 'POST',
          path: V1_RUNS,
          query: '',
          status: 200,
          account: 'acct_a',
          mode: 'test',
          idempotencyKey: 'k',
          requestId: created.headers.get('request-id'),
          keySent: true,
        },
        {
          ...usual,
          seq: 2,
          method: 'GET',
          path: EVENTS,
          query: 'limit=3',
          status: 200,
          account: 'acct_shop',
          mode: 'live',
          keySent: true,
          version: '2026-04-22.dahlia',
        },
        {
          ...usual,
          seq: 3,
          method: 'GET',
          path: '/blob/x',
          query: '',
          status: 403,
          account: null,
          mode: null,
          keySent: false,
        },
      ],
    });
    await control('DELETE', 'requests');
    expect(await control('GET', 'requests')).toEqual({ requests: [] });
  });

  test('has refused requests too', async () => {
    const { control, get } = await start();
    await get(V1_RUNS, { key: null });
    await get('/v1/nothing');
    const { requests } = await control('GET', 'requests');
    expect(items(requests).map(({ status, account }) => [status, account])).toEqual([
      [401, null],
      [404, 'acct_a'],
    ]);
  });
});
