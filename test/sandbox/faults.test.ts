import { describe, expect, test } from 'vitest';
import { items, start, text, V1_PARAMETERS, V1_RUNS, V2_RUNS } from './support.js';
import type { Started } from './support.js';

async function made({ control }: Started): Promise<number> {
  return items((await control('GET', 'runs?account=acct_a'))['runs']).length;
}

async function statuses({ control }: Started): Promise<unknown[]> {
  return items((await control('GET', 'requests'))['requests']).map((request) => request['status']);
}

describe('an error', () => {
  test.each([400, 401, 403, 404, 409, 429, 500, 503])(
    '%i has the shape of the API it comes from',
    async (status) => {
      const { control, get } = await start();
      await control('POST', 'faults', {
        kind: 'error',
        status,
        times: 2,
        headers: { 'Stripe-Should-Retry': 'false' },
      });
      const v1 = await get(V1_RUNS);
      const v2 = await get(`${V2_RUNS}/reprun_test_x`);
      for (const reply of [v1, v2]) {
        expect(reply.status).toBe(status);
        expect(reply.body['error']).toMatchObject({ message: expect.any(String), type: expect.any(String) });
        expect(reply.headers.get('stripe-should-retry')).toBe('false');
        expect(reply.headers.get('request-id')).toMatch(/^req_/);
      }
      expect(v2.body['error']?.['code']).toEqual(expect.any(String));
      expect((await get(V1_RUNS)).status).toBe(200);
    },
  );

  test('may have any body, JSON or not', async () => {
    const { control, get } = await start();
    await control('POST', 'faults', { kind: 'error', status: 502, body: { message: 'bad gateway' } });
    expect((await get(V1_RUNS)).body).toEqual({ message: 'bad gateway' });
    await control('POST', 'faults', { kind: 'error', status: 200, body: '""' });
    const odd = await get(V1_RUNS);
    expect([odd.status, odd.text]).toEqual([200, '""']);
    await control('POST', 'faults', { kind: 'error', status: 200, body: null });
    expect((await get(V1_RUNS)).text).toBe('null');
  });

  test.each([
    ['before', 0],
    ['after', 1],
  ])('%s the effect leaves %i run', async (when, count) => {
    const sandbox = await start();
    await sandbox.control('POST', 'faults', { method: 'POST', kind: 'error', when });
    expect((await sandbox.createV1()).status).toBe(500);
    expect(await made(sandbox)).toBe(count);
  });
});

test('a timeout never answers; a reset breaks the connection; both are logged with status 0', async () => {
  const sandbox = await start();
  await sandbox.control('POST', 'faults', { path: V1_RUNS, kind: 'timeout' });
  const request = fetch(`${sandbox.sandbox.origin}${V1_RUNS}`, {
    headers: { authorization: 'Bearer sk_test_a' },
    signal: AbortSignal.timeout(100),
  });
  await expect(request).rejects.toThrow(/timeout/i);
  await sandbox.control('POST', 'faults', { path: V1_RUNS, kind: 'reset' });
  const error = await sandbox.get(V1_RUNS).catch((reason: unknown) => reason);
  expect(error instanceof Error ? error.cause : null).toMatchObject({ code: 'ECONNRESET' });
  await sandbox.get('/v1/account');
  await expect.poll(() => statuses(sandbox)).toEqual([0, 0, 200]);
});

test.each(['before', 'after'])(
  'a truncated answer %s the effect breaks off within the body',
  async (when) => {
    const sandbox = await start();
    await sandbox.control('POST', 'faults', { method: 'POST', kind: 'truncated', when });
    const response = await fetch(`${sandbox.sandbox.origin}${V1_RUNS}`, {
      method: 'POST',
      headers: { authorization: 'Bearer sk_test_a' },
      body: V1_PARAMETERS,
    });
    expect(response.status).toBe(200);
    await expect(response.text()).rejects.toThrow(/terminated|fetch failed/);
    expect(await made(sandbox)).toBe(when === 'after' ? 1 : 0);
  },
);

test('a truncated list is the true one up to the break', async () => {
  const sandbox = await start();
  await sandbox.createV1();
  await sandbox.control('POST', 'faults', { kind: 'truncated' });
  const response = await fetch(`${sandbox.sandbox.origin}${V1_RUNS}`, {
    headers: { authorization: 'Bearer sk_test_a' },
  });
  const reader = response.body?.getReader();
  const first = await reader?.read();
  expect(new TextDecoder().decode(first?.value)).toMatch(/^\{"object":"list","url":"/);
  await expect(reader?.read()).rejects.toThrow(/terminated|fetch failed/);
});

test('a slow answer is the true one, byte after byte', async () => {
  const sandbox = await start();
  const { text } = await sandbox.get('/v1/account');
  await sandbox.control('POST', 'faults', { kind: 'slow', delayMs: 1 });
  const response = await fetch(`${sandbox.sandbox.origin}/v1/account`, {
    headers: { authorization: 'Bearer sk_test_a' },
  });
  let chunks = 0;
  let body = '';
  for await (const chunk of response.body ?? []) {
    chunks += 1;
    body += new TextDecoder().decode(chunk);
  }
  expect(body).toBe(text);
  expect(chunks).toBeGreaterThan(20);
});

test('an answer that is not JSON is a page of HTML with status 200', async () => {
  const { control, get } = await start();
  await control('POST', 'faults', { kind: 'not_json' });
  const { status, headers, text } = await get(V1_RUNS);
  expect([status, headers.get('content-type')]).toEqual([200, 'text/html']);
  expect(text).toMatch(/^<html>/);
});

describe('a fault', () => {
  test('meets the requests of its method and path, so many times', async () => {
    const { control, get, createV1 } = await start();
    await control('POST', 'faults', {
      method: 'get',
      path: `${V1_RUNS}/*`,
      kind: 'error',
      status: 503,
      times: 2,
    });
    const { body } = await createV1();
    const path = `${V1_RUNS}/${text(body['id'])}`;
    expect((await get(V1_RUNS)).status).toBe(200);
    const seen: number[] = [];
    for (let i = 0; i < 3; i++) seen.push((await get(path)).status);
    expect(seen).toEqual([503, 503, 200]);
    expect(items((await control('GET', 'faults'))['faults'])[0]).toMatchObject({
      remaining: 0,
      held: 0,
    });
  });

  test('without end stays until it is cleared', async () => {
    const { control, get } = await start();
    await control('POST', 'faults', { path: V1_RUNS, kind: 'error', times: 0 });
    for (let i = 0; i < 5; i++) expect((await get(V1_RUNS)).status).toBe(500);
    expect((await get('/v1/account')).status).toBe(200);
    await control('DELETE', 'faults');
    expect((await get(V1_RUNS)).status).toBe(200);
  });

  test.each([
    { kind: 'explode' },
    {},
    { kind: 'error', status: 99 },
    { kind: 'error', when: 'later' },
    { kind: 'error', colour: 1 },
  ])('that is malformed is refused: %o', async (fault) => {
    const { control } = await start();
    await expect(control('POST', 'faults', fault)).rejects.toThrow(/answered 400/);
  });
});

test('closing ends open connections at once', async () => {
  const { sandbox, control, get } = await start();
  await control('POST', 'faults', { kind: 'timeout' });
  const request = get(V1_RUNS).then(
    () => 'answered',
    () => 'broken',
  );
  await expect.poll(async () => items((await control('GET', 'faults'))['faults'])[0]?.['remaining']).toBe(0);
  await sandbox.close();
  expect(await request).toBe('broken');
});
