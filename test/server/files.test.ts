import { once } from 'node:events';
import { request } from 'node:http';
import { PassThrough, Readable } from 'node:stream';
import * as fc from 'fast-check';
import type { ReportRun } from '../../src/models/report-run.js';
import { describe, expect, it } from 'vitest';
import { UpstreamError } from '../../src/models/errors.js';
import { createFileLinks } from '../../src/server/file-links.js';
import type { FileOpener } from '../../src/server/files.js';
import { runOf } from './schema.js';
import { ACCOUNT, send, startGateway, until } from './support.js';

const secret = Buffer.alloc(32, 1);
const idOf = fc.stringMatching(/^(frr|reprun)_[A-Za-z0-9_]{1,40}$/);

describe('links', () => {
  it('open exactly the run they were made for, until they expire', () => {
    fc.assert(
      fc.property(
        idOf,
        fc.integer({ min: 1, max: 86_400 }),
        fc.integer({ min: 0, max: 999 }),
        (id, seconds, ms) => {
          const clock = { now: 1_700_000_000_000 + ms };
          const links = createFileLinks({ account: ACCOUNT, secret, now: () => clock.now });
          const { path, expiresAt } = links.sign(id, seconds);
          expect(expiresAt).toBeGreaterThan(clock.now + seconds * 1_000 - 1_000);
          expect(expiresAt).toBeLessThanOrEqual(clock.now + seconds * 1_000);
          clock.now = expiresAt - 1;
          expect(links.verify(path)).toEqual({ runId: id });
          clock.now = expiresAt;
          expect(links.verify(path)).toBe('expired');
        },
      ),
    );
  });

  it('are forged when any character is changed, added or taken away', () => {
    const links = createFileLinks({ account: ACCOUNT, secret, now: () => 0 });
    const { path } = links.sign('frr_abc', 300);
    fc.assert(
      fc.property(fc.nat(path.length), fc.string({ maxLength: 2 }), fc.nat(2), (at, put, drop) => {
        const changed = path.slice(0, at) + put + path.slice(at + drop);
        fc.pre(changed !== path);
        expect(links.verify(changed)).toBe('forged');
      }),
    );
  });

  it('are forged for another account or another secret, expired or not', () => {
    const made = (account: string, key: Uint8Array, now: number) =>
      createFileLinks({ account, secret: key, now: () => now });
    const { path } = made(ACCOUNT, secret, 0).sign('frr_abc', 300);
    for (const now of [0, 10_000_000]) {
      expect(made('acct_test:live', secret, now).verify(path)).toBe('forged');
      expect(made(ACCOUNT, Buffer.alloc(32, 2), now).verify(path)).toBe('forged');
    }
    expect(made(ACCOUNT, secret, 10_000_000).verify(path)).toBe('expired');
  });

  it.each([
    '/files/frr_abc',
    '/files/?expires=1&signature=x',
    '/files/%E0?expires=99&signature=AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA',
    '/files/frr_abc?expires=99&signature=AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA&expires=100',
  ])('are forged when they look like %s', (path) => {
    expect(createFileLinks({ account: ACCOUNT, secret, now: () => 0 }).verify(path)).toBe('forged');
  });
});

/** A gateway with one finished run and a valid link to its file. */
async function withFile(open?: FileOpener, filename: string | null = null, size = 4n) {
  const gateway = await startGateway(open === undefined ? {} : { open });
  gateway.runs.set('reprun_1', withSize(runOf('reprun_1', 'SUCCEEDED', filename), size));
  return { gateway, path: gateway.links.sign('reprun_1', 300).path };
}

function withSize(run: ReportRun, size: bigint): ReportRun {
  const file = run.result?.file ?? null;
  return file === null ? run : { ...run, result: { type: 'FILE', file: { ...file, size } } };
}

const opening =
  (stream: Readable, length = 4): FileOpener =>
  () =>
    Promise.resolve({ length, stream });

describe('GET /files', () => {
  it('streams the file with headers that make a browser save it', async () => {
    const { gateway, path } = await withFile();
    await using _ = gateway;
    const { status, headers, text } = await send(gateway, path);
    expect([status, text]).toEqual([200, 'a,b\n']);
    expect(headers).toMatchObject({
      'content-type': 'text/csv; charset=utf-8',
      'content-length': '4',
      'content-disposition': 'attachment; filename="reprun_1.csv"',
      'cache-control': 'private, no-store',
      'x-content-type-options': 'nosniff',
    });
  });

  it('passes large files on unchanged', async () => {
    const pieces = Array.from({ length: 300 }, (_, i) => Buffer.alloc(10_000, i % 256));
    const { gateway, path } = await withFile(opening(Readable.from(pieces), 3_000_000));
    await using _ = gateway;
    const { headers, bytes } = await send(gateway, path);
    expect(headers['content-length']).toBe('3000000');
    expect(bytes.equals(Buffer.concat(pieces))).toBe(true);
  });

  it('delivers an empty file', async () => {
    const { gateway, path } = await withFile(opening(Readable.from([]), 0), null, 0n);
    await using _ = gateway;
    expect(await send(gateway, path)).toMatchObject({ status: 200, text: '' });
  });

  it.each([
    ['report "x".csv', 'attachment; filename="report _x_.csv"'],
    ['../../etc/passwd\r\nSet-Cookie: a=b', 'attachment; filename=".._.._etc_passwd__Set-Cookie_ a=b"'],
    ['übersicht.csv', `attachment; filename="_bersicht.csv"; filename*=UTF-8''%C3%BCbersicht.csv`],
    ['\u{d800}x.csv', 'attachment; filename="_x.csv"'],
  ])('makes the file name %j harmless', async (filename, header) => {
    const { gateway, path } = await withFile(undefined, filename);
    await using _ = gateway;
    expect((await send(gateway, path)).headers['content-disposition']).toBe(header);
  });

  it('refuses forged links with 403, expired ones with 410 and other methods with 405, each with a sentence', async () => {
    const { gateway, path } = await withFile();
    await using _ = gateway;
    expect(await send(gateway, path.replace('reprun_1', 'reprun_2'))).toMatchObject({
      status: 403,
      text: /not made/,
    });
    expect(await send(gateway, path, { method: 'POST', body: 'x' })).toMatchObject({ status: 405 });
    expect(await send(gateway, path, { headers: { host: 'evil.example' } })).toMatchObject({ status: 421 });
    gateway.clock.now += 300_001;
    const expired = await send(gateway, path);
    expect(expired.status).toBe(410);
    expect(expired.text).toContain('downloadUrl');
  });

  it('says what is the matter with a run that has no file', async () => {
    await using gateway = await startGateway();
    gateway.runs.set('reprun_r', runOf('reprun_r', 'RUNNING'));
    gateway.runs.set('reprun_f', runOf('reprun_f', 'FAILED'));
    const get = (id: string) => send(gateway, gateway.links.sign(id, 300).path);
    expect((await get('reprun_r')).status).toBe(409);
    expect((await get('reprun_f')).status).toBe(404);
    expect((await get('reprun_unknown')).status).toBe(404);
  });

  it('answers 502 with a sentence when Stripe fails before the first byte', async () => {
    const down = new UpstreamError('unavailable', 'Stripe did not answer within 10 s.');
    const failing = new Readable({
      read: (): void => void failing.destroy(new Error('https://x.example/?sig=1')),
    });
    const gone = new Readable({ read: (): void => void gone.destroy() });
    const openers: FileOpener[] = [() => Promise.reject(down), opening(failing), opening(gone)];
    for (const open of openers) {
      const { gateway, path } = await withFile(open);
      await using _ = gateway;
      const { status, text } = await send(gateway, path);
      expect(status).toBe(502);
      expect(text).not.toContain('x.example');
    }
    await using gateway = await startGateway();
    gateway.runs.set('reprun_1', down);
    const { status, text } = await send(gateway, gateway.links.sign('reprun_1', 300).path);
    expect([status, text]).toEqual([
      502,
      'Stripe did not deliver the file: Stripe did not answer within 10 s.\n',
    ]);
  });

  it('breaks the connection when Stripe fails midway, so that half a file is never taken for a whole one', async () => {
    const source = new PassThrough();
    const { gateway, path } = await withFile(opening(source, 8));
    await using _ = gateway;
    source.write('half');
    const answer = send(gateway, path);
    await until(() => source.readableFlowing === true);
    source.destroy(new Error('reset'));
    await expect(answer).rejects.toThrow('aborted');
    await until(() => gateway.log.some(({ msg }) => msg === 'a file could not be delivered'));
  });

  it('ends the upstream request when the client leaves', async () => {
    const source = new PassThrough();
    const signals: AbortSignal[] = [];
    const { gateway, path } = await withFile(
      (_run, { signal }) => {
        signals.push(signal);
        return Promise.resolve({ length: 1_000, stream: source });
      },
      null,
      1_000n,
    );
    await using _ = gateway;
    source.write('first');
    const req = request({ port: gateway.port, path }).end();
    req.on('error', () => {});
    const [res] = await once(req, 'response');
    expect(res.headers['content-type']).toBe('text/csv; charset=utf-8');
    res.destroy();
    await until(() => signals[0]?.aborted === true && source.destroyed);
    expect(gateway.log.filter(({ level }) => level === 40)).toEqual([]);
  });
});
