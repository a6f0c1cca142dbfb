import { describe, expect, test } from 'vitest';
import { EVENTS, start, text, V1_RUNS } from './support.js';

describe('a key', () => {
  test.each(['sk_test_shop', 'rk_test_shop', 'sk_live_shop', 'rk_live_shop'])(
    '%s belongs to acct_shop',
    async (key) => {
      const { get } = await start();
      const { status, body } = await get('/v1/account', { key });
      expect(status).toBe(200);
      expect(body).toMatchObject({ id: 'acct_shop', object: 'account' });
    },
  );

  test('may come as the user of Basic authentication', async () => {
    const { get } = await start();
    const authorization = `Basic ${Buffer.from('sk_test_shop:').toString('base64')}`;
    const { body } = await get('/v1/account', { key: null, headers: { authorization } });
    expect(body['id']).toBe('acct_shop');
  });

  test.each([
    [{}, /You did not provide an API key/],
    [{ authorization: 'Bearer pk_test_shop' }, /^Invalid API Key provided: \*+$/],
    [{ authorization: 'Bearer sk_test_no-such-key' }, /^Invalid API Key provided: sk_test_\*+-key$/],
    [{ authorization: 'Digest sk_test_shop' }, /You did not provide an API key/],
  ])('is needed: %o gets 401', async (headers, message) => {
    const { get } = await start();
    for (const path of ['/v1/account', V1_RUNS, EVENTS]) {
      const { status, body } = await get(path, { key: null, headers });
      expect(status).toBe(401);
      expect(body['error']).toMatchObject({
        type: 'invalid_request_error',
        message: expect.stringMatching(message),
      });
    }
  });

  test('sees only the runs of its own account and mode', async () => {
    const { createV1, get } = await start();
    const { body } = await createV1(undefined, { key: 'sk_test_shop' });
    const path = `${V1_RUNS}/${text(body['id'])}`;
    expect((await get(path, { key: 'rk_test_shop' })).status).toBe(200);
    expect((await get(path, { key: 'sk_live_shop' })).status).toBe(404);
    expect((await get(path, { key: 'sk_test_other' })).status).toBe(404);
    expect(
      (await get(path, { key: 'sk_test_other', headers: { 'stripe-account': 'acct_shop' } })).status,
    ).toBe(200);
    expect(
      (await get(path, { key: 'sk_test_other', headers: { 'stripe-context': 'acct_shop' } })).status,
    ).toBe(200);
  });

  test('cannot be used with both Stripe-Account and Stripe-Context', async () => {
    const { get } = await start();
    const headers = { 'stripe-account': 'acct_x', 'stripe-context': 'acct_x' };
    expect((await get('/v1/account', { headers })).status).toBe(400);
  });
});

describe('Stripe-Version', () => {
  test.each([[''], ['latest'], ['2026-13-45.dahlia'], ['2020-08-27']])(
    '%j is refused by v2',
    async (version) => {
      const { get } = await start();
      const { status, body } = await get(EVENTS, { headers: { 'stripe-version': version } });
      expect(status).toBe(400);
      expect(body['error']?.['message']).toMatch(/version/i);
    },
  );

  test('may be absent or old in v1, but not malformed', async () => {
    const { get } = await start();
    expect((await get('/v1/account')).headers.get('stripe-version')).toBe('2026-10-28.endive');
    const old = await get('/v1/account', { headers: { 'stripe-version': '2020-08-27' } });
    expect([old.status, old.headers.get('stripe-version')]).toEqual([200, '2020-08-27']);
    expect((await get('/v1/account', { headers: { 'stripe-version': 'soon' } })).status).toBe(400);
  });
});

test('every answer names its request and echoes the idempotency key', async () => {
  const { createV1, get } = await start();
  const created = await createV1(undefined, { headers: { 'idempotency-key': 'my-key' } });
  expect(created.headers.get('idempotency-key')).toBe('my-key');
  const ids = [created, await get('/v1/nothing'), await get(`${V1_RUNS}/frr_none`), await get(EVENTS)];
  for (const { headers } of ids) expect(headers.get('request-id')).toMatch(/^req_\w{14}$/);
  expect(new Set(ids.map(({ headers }) => headers.get('request-id'))).size).toBe(4);
});

test.each(['/v1/nothing', '/v2/nothing', '/v2/reporting/report_runs'])(
  'GET %s does not exist',
  async (path) => {
    const { get } = await start();
    const { status, body } = await get(path);
    expect(status).toBe(404);
    expect(body['error']?.['message']).toContain(`Unrecognized request URL (GET: ${path})`);
  },
);
