import { expect, test } from 'vitest';
import { EVENTS, start, V1_RUNS } from './support.js';
import type { Started } from './support.js';

const TYPES = '/v1/reporting/report_types';

/** The statuses of so many requests one after the other. */
async function statuses({ get }: Started, count: number, path: string, key = 'sk_test_a'): Promise<number[]> {
  const seen: number[] = [];
  for (let i = 0; i < count; i++) seen.push((await get(path, { key })).status);
  return seen;
}

const counted = (all: number[]) => [
  all.filter((status) => status === 200).length,
  all.filter((status) => status === 429).length,
];

test('an endpoint answers 25 requests a second, in a second that slides', async () => {
  const sandbox = await start({ strict: true });
  expect(counted(await statuses(sandbox, 10, V1_RUNS))).toEqual([10, 0]);
  sandbox.clock.now += 600;
  expect(counted(await statuses(sandbox, 17, V1_RUNS))).toEqual([15, 2]);
  const refused = await sandbox.get(V1_RUNS);
  expect(refused.headers.get('stripe-rate-limited-reason')).toBe('endpoint-rate');
  expect(refused.body['error']).toMatchObject({ code: 'rate_limit', type: 'invalid_request_error' });
  sandbox.clock.now += 400;
  expect(counted(await statuses(sandbox, 12, V1_RUNS))).toEqual([10, 2]);
});

test('an account in test mode has 25 requests a second for all endpoints together', async () => {
  const sandbox = await start({ strict: true });
  const paths = [V1_RUNS, TYPES, '/v1/account', EVENTS, `${V1_RUNS}/frr_none`];
  for (const path of paths) expect(await statuses(sandbox, 5, path)).not.toContain(429);
  const refused = await sandbox.get('/v2/reporting/reports/report_test_balance_summary');
  expect([refused.status, refused.headers.get('stripe-rate-limited-reason')]).toEqual([429, 'global-rate']);
  expect((await sandbox.get(V1_RUNS, { key: 'sk_test_b' })).status).toBe(200);
  expect((await sandbox.get(V1_RUNS, { key: 'sk_live_a' })).status).toBe(200);
});

test('an account in live mode has 100, but still 25 for one endpoint', async () => {
  const sandbox = await start({ strict: true });
  const key = 'sk_live_a';
  expect(counted(await statuses(sandbox, 26, V1_RUNS, key))).toEqual([25, 1]);
  for (const path of [TYPES, '/v1/account', EVENTS])
    expect(counted(await statuses(sandbox, 25, path, key))).toEqual([25, 0]);
  const refused = await sandbox.get(`${V1_RUNS}/frr_none`, { key });
  expect([refused.status, refused.headers.get('stripe-rate-limited-reason')]).toEqual([429, 'global-rate']);
});

test('files have 20 reads a second, their contents and descriptions together', async () => {
  const sandbox = await start({ strict: true });
  expect(counted(await statuses(sandbox, 12, '/v1/files/file_none/contents'))).toEqual([0, 0]);
  const seen = await statuses(sandbox, 10, '/v1/files/file_none');
  expect(seen).toEqual([...Array<number>(8).fill(404), 429, 429]);
  sandbox.clock.now += 1000;
  expect((await sandbox.get('/v1/files/file_none')).status).toBe(404);
});

test('the control endpoint is not limited, and can lift the limits', async () => {
  const sandbox = await start({ strict: true });
  for (let i = 0; i < 40; i++) await sandbox.control('GET', 'settings');
  await statuses(sandbox, 26, V1_RUNS);
  expect((await sandbox.get(V1_RUNS)).status).toBe(429);
  await sandbox.control('POST', 'settings', { limits: false });
  expect(counted(await statuses(sandbox, 40, V1_RUNS))).toEqual([40, 0]);
});
