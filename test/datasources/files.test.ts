import { text } from 'node:stream/consumers';
import { describe, expect, it } from 'vitest';
import { createFileSource, type FileSource, filesOrigin } from '../../src/datasources/files.js';
import { createStripeV2 } from '../../src/datasources/stripe-v2.js';
import type { JsonObject } from '../../src/models/json.js';
import { fileV1, runFrom, runV1, succeededV1, succeededV2 } from './samples.js';
import { API_KEY, failure, json, startUpstream, type Upstream, until } from './upstream.js';

const CONTENTS = '/v1/files/file_1Mcd6lJITzLVzkSm58IV6lDd/contents';
const whole = { signal: new AbortController().signal };

function filesOf(upstream: Upstream, timeouts = { headers: 500, idle: 500 }): FileSource & AsyncDisposable {
  const v2 = createStripeV2(upstream.transport());
  const files = createFileSource({ apiKey: API_KEY, base: upstream.base, v2, timeouts });
  return { ...files, [Symbol.asyncDispose]: () => files.close() };
}

/** Succeeded runs with a file of so many bytes. */
const v1Run = (size: number) => runFrom('V1', { ...succeededV1, result: { ...fileV1, size } });
const v2Run = (size: number) => runFrom('V2', linkedTo('https://x.example/', size));

/** A succeeded v2 run whose link leads to `url`. */
function linkedTo(url: string, size = 5): JsonObject {
  const file = { content_type: 'csv', size, download_url: { url, expires_at: null } };
  return { ...succeededV2, result: { type: 'file', file } };
}

describe("a v1 run's file", () => {
  it('comes from its id at the upstream, with the key, wherever the payload points', async () => {
    await using stranger = await startUpstream();
    await using upstream = await startUpstream((response) => {
      response.writeHead(200, { 'content-type': 'text/csv', 'content-length': '6' });
      response.end('a,b\né');
    });
    await using files = filesOf(upstream);
    const result = { ...fileV1, size: 6, url: `${stranger.base.origin}${CONTENTS}` };
    const body = { ...succeededV1, result };
    const file = await files.open(runFrom('V1', body), whole);
    expect(file).toMatchObject({ size: 6, length: 6 });
    expect(await text(file.stream())).toBe('a,b\né');
    expect(upstream.requests).toMatchObject([
      { url: CONTENTS, headers: { authorization: `Bearer ${API_KEY}` } },
    ]);
    expect(stranger.requests).toEqual([]);
  });

  it('is not fetched through a redirect', async () => {
    await using stranger = await startUpstream();
    await using upstream = await startUpstream((response) => {
      response.writeHead(302, { location: `${stranger.base.origin}/x` });
      response.end();
    });
    await using files = filesOf(upstream);
    const error = await failure(files.open(v1Run(100), whole));
    expect(error).toMatchObject({ kind: 'contract', status: 302 });
    expect(stranger.requests).toEqual([]);
  });

  it.each([
    [401, 'unauthenticated'],
    [403, 'forbidden'],
    [404, 'not_found'],
    [410, 'not_found'],
    [429, 'rate_limited'],
    [500, 'unavailable'],
  ])('with HTTP %d is %s, and the answer is not shown', async (status, kind) => {
    await using upstream = await startUpstream((response) =>
      json(response, status, { error: { message: `See https://x.example/?k=${API_KEY}` } }),
    );
    await using files = filesOf(upstream);
    const error = await failure(files.open(v1Run(100), whole));
    expect(error).toMatchObject({ kind, status, requestId: 'req_wire' });
    expect(error.message).not.toMatch(/sk_|http:|https:/);
  });

  it('does not exist before the run has succeeded', async () => {
    await using upstream = await startUpstream();
    await using files = filesOf(upstream);
    expect(await failure(files.open(runFrom('V1', runV1), whole))).toMatchObject({ kind: 'not_found' });
    expect(upstream.requests).toEqual([]);
  });
});

describe('the host that may see the key for a file', () => {
  it.each([
    ['https://api.stripe.com', 'https://files.stripe.com'],
    ['https://proxy.example:8443', 'https://proxy.example:8443'],
    ['https://api.stripe.com.example', 'https://api.stripe.com.example'],
  ])('of %s is %s', (base, origin) => {
    expect(filesOrigin(new URL(base))).toBe(origin);
  });
});

describe("a v2 run's file", () => {
  it('comes from a fresh link, asked without the key', async () => {
    await using upstream = await startUpstream();
    let count = 0;
    upstream.answer((response, { url }) => {
      count += 1;
      if (url.startsWith('/v2/'))
        return json(response, 200, linkedTo(`${upstream.base.origin}/blob/${count}?sig=a%2Fb`));
      response.writeHead(200, { 'content-type': 'text/csv' });
      response.end('a,b\n1');
    });
    await using files = filesOf(upstream);
    for (const blob of ['/blob/1?sig=a%2Fb', '/blob/3?sig=a%2Fb']) {
      const file = await files.open(v2Run(5), whole);
      expect(await text(file.stream())).toBe('a,b\n1');
      const last = upstream.requests.at(-1);
      expect(last?.url).toBe(blob);
      expect(last?.headers['authorization']).toBeUndefined();
      expect(JSON.stringify(last?.headers)).not.toContain(API_KEY);
    }
  });

  it('is not fetched over plain http from another host, nor from what is no URL', async () => {
    await using stranger = await startUpstream();
    await using upstream = await startUpstream();
    await using files = filesOf(upstream);
    for (const link of [
      `${stranger.base.origin}/x`,
      'file:///etc/passwd',
      '/blob/1',
      'https://u:p@x.example/',
    ]) {
      upstream.answer((response) => json(response, 200, linkedTo(link)));
      const error = await failure(files.open(v2Run(5), whole));
      expect(error).toMatchObject({ kind: 'contract' });
      expect(error.message).not.toContain(link);
    }
    expect(stranger.requests).toEqual([]);
  });

  it('is read by another link where the first is refused, and is an outage where the second is too', async () => {
    await using upstream = await startUpstream();
    let links = 0;
    const refuse = (refusals: number) =>
      upstream.answer((response, { url }) => {
        if (url.startsWith('/v2/')) {
          links += 1;
          return json(response, 200, linkedTo(`${upstream.base.origin}/blob/${links}`));
        }
        if (links <= refusals) response.writeHead(403).end('<Error>expired</Error>');
        else response.end('a,b\n1');
      });
    await using files = filesOf(upstream);
    refuse(1);
    expect(await text((await files.open(v2Run(5), whole)).stream())).toBe('a,b\n1');
    refuse(99);
    const error = await failure(files.open(v2Run(5), whole));
    expect(error).toMatchObject({ kind: 'unavailable', status: 403 });
    const asked = upstream.requests.map(({ url }) => url).filter((url) => url.startsWith('/blob/'));
    expect(asked).toEqual(['/blob/1', '/blob/2', '/blob/3', '/blob/4']);
  });
});

describe('a file on its way', () => {
  it('ends upstream when the reader leaves, before the headers and in the middle', async () => {
    await using upstream = await startUpstream((response) => {
      response.writeHead(200, { 'content-type': 'text/csv' });
      response.write('a,b\n');
    });
    await using files = filesOf(upstream, { headers: 10_000, idle: 10_000 });
    const middle = new AbortController();
    const file = await files.open(v1Run(100), { signal: middle.signal });
    middle.abort();
    await expect(text(file.stream())).rejects.toThrow(/abort/i);
    await until(() => upstream.brokenOff() === 1);

    upstream.answer(() => {});
    const before = new AbortController();
    const opening = failure(files.open(v1Run(100), { signal: before.signal }));
    await until(() => upstream.requests.length === 2);
    before.abort();
    expect(await opening).toMatchObject({ kind: 'unavailable' });
    await until(() => upstream.brokenOff() === 2);
  });

  it('fails where the upstream breaks off, so that a part is never taken for the whole', async () => {
    await using upstream = await startUpstream((response) => {
      response.writeHead(200, { 'content-type': 'text/csv', 'content-length': '100' });
      response.write('a,b\n');
      setTimeout(() => response.destroy(), 10);
    });
    await using files = filesOf(upstream);
    const file = await files.open(v1Run(100), whole);
    await expect(text(file.stream())).rejects.toThrow('Stripe broke off after 4 bytes of the file.');
  });

  it('gives up on silence, before the headers and in the middle', async () => {
    await using upstream = await startUpstream(() => {});
    await using files = filesOf(upstream);
    expect(await failure(files.open(v1Run(100), whole))).toMatchObject({
      kind: 'unavailable',
    });
    upstream.answer((response) => {
      response.writeHead(200, { 'content-type': 'text/csv' });
      response.write('a,b\n');
    });
    const file = await files.open(v1Run(100), whole);
    await expect(text(file.stream())).rejects.toThrow('Stripe fell silent after 4 bytes of the file.');
  });
});
