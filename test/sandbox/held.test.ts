import { describe, expect, test } from 'vitest';
import { held, items, start, text, V1_PARAMETERS, V1_RUNS } from './support.js';
import type { Started } from './support.js';

const all = `${V1_RUNS}?limit=100`;

async function made({ control }: Started): Promise<number> {
  return items((await control('GET', 'runs?account=acct_a'))['runs']).length;
}

async function statuses({ control }: Started): Promise<unknown[]> {
  return items((await control('GET', 'requests'))['requests']).map((request) => request['status']);
}

describe('a held create', () => {
  test('has its effect on release, also when the client has left', async () => {
    const sandbox = await start();
    const { control, sandbox: server } = sandbox;
    const { id } = await control('POST', 'faults', { method: 'POST', kind: 'hold' });
    const leave = new AbortController();
    const request = fetch(`${server.origin}${V1_RUNS}`, {
      method: 'POST',
      headers: { authorization: 'Bearer sk_test_a' },
      body: V1_PARAMETERS,
      signal: leave.signal,
    });
    await held(sandbox);
    leave.abort();
    await expect(request).rejects.toThrow(/abort/i);
    await expect.poll(() => statuses(sandbox)).toEqual([0]);
    expect(await made(sandbox)).toBe(0);
    expect(await control('POST', `faults/${text(id)}/release`)).toEqual({ released: 1 });
    await expect.poll(() => made(sandbox)).toBe(1);
  });

  test('may have its effect at once and only its answer held', async () => {
    const sandbox = await start();
    await sandbox.control('POST', 'faults', { method: 'POST', kind: 'hold', when: 'after' });
    const request = sandbox.createV1();
    await held(sandbox);
    const { data } = (await sandbox.get(all)).body;
    await sandbox.control('DELETE', 'faults');
    expect((await request).body).toEqual(items(data)[0]);
  });

  test('goes on when the sandbox forgets its faults', async () => {
    const sandbox = await start();
    await sandbox.control('POST', 'faults', { kind: 'hold', times: 0 });
    const requests = [sandbox.get(V1_RUNS), sandbox.get('/v1/account')];
    await expect
      .poll(async () => items((await sandbox.control('GET', 'faults'))['faults'])[0]?.['held'])
      .toBe(2);
    await sandbox.control('DELETE', 'faults');
    expect((await Promise.all(requests)).map(({ status }) => status)).toEqual([200, 200]);
  });
});
