import { describe, expect, test } from 'vitest';
import { held, items, start, text, V1_PARAMETERS, V1_RUNS, V2_BODY, V2_RUNS } from './support.js';
import type { Started } from './support.js';

const HOUR_MS = 3_600_000;
const keyed = { headers: { 'idempotency-key': 'key-1' } };

/** The ids of all runs there are. */
async function made({ control }: Started): Promise<string[]> {
  const { runs } = await control('GET', 'runs?account=acct_a');
  return items(runs).map((run) => text(run['id']));
}

describe('a repeated create in v1', () => {
  test('gets the first answer, byte for byte, for 24 hours', async () => {
    const sandbox = await start();
    const { clock, createV1 } = sandbox;
    const first = await createV1(V1_PARAMETERS, keyed);
    expect(first.headers.get('idempotent-replayed')).toBeNull();
    clock.now += 24 * HOUR_MS - 1;
    const again = await createV1(V1_PARAMETERS, keyed);
    expect(again.text).toBe(first.text);
    expect(again.body['status']).toBe('pending');
    expect(again.headers.get('idempotent-replayed')).toBe('true');
    expect(again.headers.get('original-request')).toBe(first.headers.get('request-id'));
    expect(await made(sandbox)).toHaveLength(1);
    clock.now += 1;
    expect((await createV1(V1_PARAMETERS, keyed)).body['id']).not.toBe(first.body['id']);
    expect(await made(sandbox)).toHaveLength(2);
  });

  test.each(['before', 'after'])('gets a 500 again that came %s the effect', async (when) => {
    const sandbox = await start();
    await sandbox.control('POST', 'faults', { method: 'POST', path: V1_RUNS, kind: 'error', when });
    const first = await sandbox.createV1(V1_PARAMETERS, keyed);
    const again = await sandbox.createV1(V1_PARAMETERS, keyed);
    expect([first.status, again.status, again.text]).toEqual([500, 500, first.text]);
    expect(again.headers.get('idempotent-replayed')).toBe('true');
    expect(await made(sandbox)).toHaveLength(when === 'after' ? 1 : 0);
    const other = await sandbox.createV1(V1_PARAMETERS, { headers: { 'idempotency-key': 'key-2' } });
    expect(other.status).toBe(200);
  });

  test('gets the same 400 again', async () => {
    const { createV1 } = await start();
    const wrong = 'report_type=balance.summary.1';
    expect((await createV1(wrong, keyed)).status).toBe(400);
    const again = await createV1(wrong, keyed);
    expect([again.status, again.headers.get('idempotent-replayed')]).toEqual([400, 'true']);
  });

  test.each([401, 403, 429])('is carried out after a %i', async (status) => {
    const sandbox = await start();
    await sandbox.control('POST', 'faults', { method: 'POST', kind: 'error', status });
    expect((await sandbox.createV1(V1_PARAMETERS, keyed)).status).toBe(status);
    const again = await sandbox.createV1(V1_PARAMETERS, keyed);
    expect([again.status, again.headers.get('idempotent-replayed')]).toEqual([200, null]);
    expect(await made(sandbox)).toHaveLength(1);
  });

  test.each([
    ['before', null],
    ['after', 'true'],
  ])('whose connection broke %s the effect is carried out once', async (when, replayed) => {
    const sandbox = await start();
    await sandbox.control('POST', 'faults', { method: 'POST', kind: 'reset', when });
    await expect(sandbox.createV1(V1_PARAMETERS, keyed)).rejects.toThrow(/terminated|fetch failed/);
    const again = await sandbox.createV1(V1_PARAMETERS, keyed);
    expect([again.status, again.headers.get('idempotent-replayed')]).toEqual([200, replayed]);
    expect(await made(sandbox)).toEqual([again.body['id']]);
  });
});

describe('a repeated create in v2', () => {
  test('gets the run as it is now, for 30 days', async () => {
    const sandbox = await start();
    const { clock, createV2 } = sandbox;
    const first = await createV2(V2_BODY, keyed);
    clock.now += 30 * 24 * HOUR_MS - 1;
    const again = await createV2(V2_BODY, keyed);
    expect(again.body).toMatchObject({ id: first.body['id'], status: 'succeeded' });
    expect(await made(sandbox)).toHaveLength(1);
    clock.now += 1;
    expect((await createV2(V2_BODY, keyed)).body['id']).not.toBe(first.body['id']);
  });

  test.each([
    ['before', 'error'],
    ['after', 'error'],
    ['before', 'reset'],
    ['after', 'reset'],
  ])('that failed %s the effect with %s is carried out once', async (when, kind) => {
    const sandbox = await start();
    await sandbox.control('POST', 'faults', { method: 'POST', path: V2_RUNS, kind, when });
    await sandbox.createV2(V2_BODY, keyed).catch(() => null);
    const again = await sandbox.createV2(V2_BODY, keyed);
    expect(again.status).toBe(200);
    expect(await made(sandbox)).toEqual([again.body['id']]);
  });

  test('is carried out after a 400 and after the limit of running reports', async () => {
    const { clock, control, createV2 } = await start();
    expect((await createV2({ ...V2_BODY, colour: 'red' }, keyed)).status).toBe(400);
    await control('POST', 'settings', { v2ConcurrentRuns: 1 });
    await createV2();
    expect((await createV2(V2_BODY, keyed)).status).toBe(429);
    clock.now += 10_000;
    expect((await createV2(V2_BODY, keyed)).status).toBe(200);
  });
});

describe.each([
  ['v1', V1_RUNS],
  ['v2', V2_RUNS],
])('an idempotency key of %s', (api, path) => {
  const create = ({ createV1, createV2 }: Started, options: object, other = false) =>
    api === 'v1'
      ? createV1(`${V1_PARAMETERS}${other ? '&parameters[currency]=usd' : ''}`, options)
      : createV2(other ? { ...V2_BODY, result_options: null } : V2_BODY, options);

  test('cannot be used for other parameters', async () => {
    const sandbox = await start();
    await create(sandbox, keyed);
    const { status, body } = await create(sandbox, keyed, true);
    expect([status, body['error']?.['type']]).toEqual([400, 'idempotency_error']);
    expect(await made(sandbox)).toHaveLength(1);
  });

  test.each(['before', 'after'])('is in use while its request is held %s the effect', async (when) => {
    const sandbox = await start();
    const { id } = await sandbox.control('POST', 'faults', { method: 'POST', path, kind: 'hold', when });
    const first = create(sandbox, keyed);
    await held(sandbox);
    expect(await made(sandbox)).toHaveLength(when === 'after' ? 1 : 0);
    expect((await create(sandbox, keyed)).status).toBe(409);
    await sandbox.control('POST', `faults/${text(id)}/release`);
    const { status, body } = await first;
    expect(status).toBe(200);
    expect((await create(sandbox, keyed)).body['id']).toBe(body['id']);
    expect(await made(sandbox)).toEqual([body['id']]);
  });

  test('belongs to an account and a mode', async () => {
    const sandbox = await start();
    const live = { report: 'report_balance_summary', report_parameters: V2_BODY.report_parameters };
    const ids = [
      (await create(sandbox, keyed)).body['id'],
      (await create(sandbox, { ...keyed, key: 'sk_test_b' })).body['id'],
      (api === 'v1'
        ? await create(sandbox, { ...keyed, key: 'sk_live_a' })
        : await sandbox.createV2(live, { ...keyed, key: 'sk_live_a' })
      ).body['id'],
    ];
    expect(new Set(ids).size).toBe(3);
    expect((await create(sandbox, { ...keyed, key: 'rk_test_a' })).body['id']).toBe(ids[0]);
  });
});

test('v1 and v2 do not share their keys', async () => {
  const { createV1, createV2 } = await start();
  expect((await createV1(V1_PARAMETERS, keyed)).status).toBe(200);
  expect((await createV2(V2_BODY, keyed)).status).toBe(200);
});
