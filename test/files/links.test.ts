import { request } from 'node:http';
import { expect, test } from 'vitest';
import { startTestGateway } from '../support/gateway.js';
import { fetchFile, KEY, linkAt, startBoth } from './support.js';

const TEXT = 'a,b\n1,2\n';

/** A request whose path is sent as it is; fetch would tidy it up. */
function raw(origin: string, path: string): Promise<{ status: number; text: string }> {
  return new Promise((resolve, reject) => {
    const { hostname, port } = new URL(origin);
    const req = request({ hostname, port, path }, (res) => {
      let text = '';
      res.on('data', (piece) => {
        text += String(piece);
      });
      res.on('end', () => resolve({ status: res.statusCode ?? 0, text }));
    });
    req.on('error', reject).end();
  });
}

test('a link opens its run alone: for another run, account or time it is refused', async () => {
  await using both = await startBoth();
  const [mine, other] = [await both.finished('V1', { text: TEXT }), await both.finished('V1')];
  const foreign = await both.finished('V1', { text: 'secret' }, 'acct_other');
  const url = await both.linkTo(mine);
  expect((await fetchFile(url)).bytes.toString()).toBe(TEXT);
  const expires = /expires=(\d+)/.exec(url)?.[1] ?? '';
  for (const forged of [
    url.replace(mine, other),
    url.replace(mine, foreign),
    url.replace(`expires=${expires}`, `expires=${Number(expires) + 60}`),
    url.slice(0, -1),
    `${url}A`,
    `${url}&expires=9999999999`,
    url.replace(/&signature=.*/, ''),
    url.replace(/\?.*/, ''),
  ]) {
    const { status, bytes } = await fetchFile(forged);
    expect([forged, status, bytes.toString()]).toEqual([
      forged,
      403,
      'This link was not made by this gateway.\n',
    ]);
  }
});

test('paths that try to lead elsewhere lead nowhere', async () => {
  await using both = await startBoth();
  const id = await both.finished('V1', { text: TEXT });
  const { pathname, search, origin } = new URL(await both.linkTo(id));
  for (const path of [
    '/files/../graphql',
    '/files/..%2f..%2fetc%2fpasswd',
    '/files/%2e%2e/graphql',
    `/files/x/../${id}${search}`,
    `/files/${id}%2f..%2f${id}${search}`,
    `/files/${id.replace('frr', '%66rr')}${search}`,
    `/files/${id.replace('frr', '%2566rr')}${search}`,
    `/files/${id}%00${search}`,
    `/files/%E0%A4%A${search}`,
    `/files/${search}`,
    '/files/',
  ])
    expect([path, (await raw(origin, path)).status]).toEqual([path, 403]);
  for (const path of [`/Files/${id}${search}`, `//files/${id}${search}`, `/files%2f${id}${search}`, '/files'])
    expect([path, (await raw(origin, path)).status]).toEqual([path, 404]);
  expect((await raw(origin, pathname + search)).text).toBe(TEXT);
});

test('a run that has not succeeded has no file: 409 while it runs, 404 once it has failed', async () => {
  await using both = await startBoth();
  const link = new URL(await both.linkTo(await both.finished('V2')));
  for (const [status, expected] of [
    ['pending', 409],
    ['failed', 404],
  ] as const) {
    const { ids } = await both.sandbox.control<{ ids: string[] }>('POST', 'runs', {
      account: 'acct_files',
      api: 'V2',
      count: 1,
      status,
    });
    const { path } = both.gateway.services.files.sign(ids[0] ?? '', 60);
    const answer = await fetchFile(new URL(path, link).href);
    expect(answer.status).toBe(expected);
    expect(answer.bytes.toString()).toMatch(/^The report run .*\.\n$/);
  }
});

test('keys rotate: the first signs, all verify, one that is gone verifies no more', async () => {
  const [old, next] = [Buffer.alloc(32, 1), Buffer.alloc(32, 2)];
  await using both = await startBoth({ fileSigningKeys: [old] });
  const id = await both.finished('V1', { text: TEXT });
  const links = [await both.linkTo(id)];
  const gateways = [both.gateway];
  try {
    for (const fileSigningKeys of [[next, old], [next]]) {
      const gateway = await startTestGateway({ upstream: both.sandbox.origin, apiKey: KEY, fileSigningKeys });
      gateways.push(gateway);
      links.push(await linkAt(gateway, id));
    }
    const seen = gateways.map(async ({ url: at }) =>
      Promise.all(
        links.map(async (link) => {
          const { pathname, search } = new URL(link);
          return (await fetchFile(new URL(pathname + search, at).href)).status;
        }),
      ),
    );
    expect(await Promise.all(seen)).toEqual([
      [200, 403, 403],
      [200, 200, 200],
      [403, 200, 200],
    ]);
  } finally {
    await Promise.all(gateways.slice(1).map((gateway) => gateway.close()));
  }
});

test("the same keys do not open another account's files", async () => {
  const fileSigningKeys = [Buffer.alloc(32, 1)];
  await using both = await startBoth({ fileSigningKeys });
  const id = await both.finished('V1', { text: TEXT });
  const other = await startTestGateway({
    upstream: both.sandbox.origin,
    apiKey: 'sk_test_other',
    fileSigningKeys,
  });
  try {
    const { pathname, search } = new URL(await both.linkTo(id));
    expect((await fetchFile(new URL(pathname + search, other.url).href)).status).toBe(403);
  } finally {
    await other.close();
  }
});

test('no link, key or address of Stripe gets into the log', async () => {
  await using both = await startBoth();
  for (const api of ['V1', 'V2'] as const) {
    const url = await both.linkTo(await both.finished(api));
    await fetchFile(url);
    await fetchFile(`${url}x`);
    await both.sandbox.control('POST', 'faults', { path: '/v1/files/*', kind: 'reset' });
    await both.sandbox.control('POST', 'faults', { path: '/blob/*', kind: 'truncated' });
    await fetchFile(url).catch(() => null);
    await both.sandbox.control('DELETE', 'faults');
  }
  const log = both.log.join('');
  expect(log).toContain('a file could not be delivered');
  expect(log).toMatch(/"path":"\/files\/frr_/);
  expect(log).not.toMatch(/signature|expires=|sk_test|\/blob\/|\/contents/);
  expect(log).not.toContain(both.sandbox.origin);
});

test('a link begins as the address does that its client sees, also behind a proxy that ends TLS', async () => {
  await using both = await startBoth();
  const id = await both.finished('V1');
  const ask = async (headers: Record<string, string>): Promise<string> => {
    const answer = await fetch(both.gateway.url, {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...headers },
      body: JSON.stringify({
        query: `{ reportRun(id: "${id}") { result { file { downloadUrl { url } } } } }`,
      }),
    });
    return /"url":"([^"]+)"/.exec(await answer.text())?.[1] ?? '';
  };
  const { host } = new URL(both.gateway.url);
  expect(await ask({})).toMatch(new RegExp(`^http://${host}/files/`));
  expect(await ask({ 'x-forwarded-proto': 'https' })).toMatch(new RegExp(`^https://${host}/files/`));
  expect(await ask({ 'x-forwarded-proto': 'javascript' })).toMatch(new RegExp(`^http://${host}/files/`));
});
