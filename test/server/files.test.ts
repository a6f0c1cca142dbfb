import { once } from 'node:events';
import { request } from 'node:http';
import { PassThrough, Readable } from 'node:stream';
import { describe, expect, it } from 'vitest';
import { UpstreamError } from '../../src/models/errors.js';
import type { FileOpener } from '../../src/server/files.js';
import { runOf } from './schema.js';
import { fileOf, send, startGateway, until } from './support.js';

/** A gateway with one finished run and a valid link to its file. */
async function withFile(open?: FileOpener, size = 4n, stallTimeout?: number) {
  const gateway = await startGateway({
    ...(open === undefined ? {} : { open }),
    ...(stallTimeout === undefined ? {} : { stallTimeout }),
  });
  gateway.runs.set('reprun_1', runOf('reprun_1', 'SUCCEEDED', size));
  return { gateway, path: gateway.links.sign('reprun_1', 300).path };
}

const opening =
  (stream: Readable): FileOpener =>
  () =>
    Promise.resolve(fileOf(stream));

describe('GET /files', () => {
  it('streams the file with headers that make a browser save it', async () => {
    const { gateway, path } = await withFile();
    await using _ = gateway;
    const { status, headers, text } = await send(gateway, path);
    expect([status, text]).toEqual([200, 'a,b\n']);
    expect(headers).toMatchObject({
      'content-type': 'text/csv; charset=utf-8',
      'content-length': '4',
      'content-disposition': 'attachment; filename="X_reprun_1.csv"',
      'cache-control': 'private, no-store',
      'x-content-type-options': 'nosniff',
    });
  });

  it('passes large files on unchanged', async () => {
    const pieces = Array.from({ length: 300 }, (_, i) => Buffer.alloc(10_000, i % 256));
    const { gateway, path } = await withFile(opening(Readable.from(pieces)), 3_000_000n);
    await using _ = gateway;
    const { headers, bytes } = await send(gateway, path);
    expect(headers['content-length']).toBe('3000000');
    expect(bytes.equals(Buffer.concat(pieces))).toBe(true);
  });

  it('delivers an empty file', async () => {
    const { gateway, path } = await withFile(opening(Readable.from([])), 0n);
    await using _ = gateway;
    expect(await send(gateway, path)).toMatchObject({ status: 200, text: '' });
  });

  it('refuses forged links with 403, expired ones with 410 and other methods with 405, each with a sentence', async () => {
    const { gateway, path } = await withFile();
    await using _ = gateway;
    expect(await send(gateway, path.replace('reprun_1', 'reprun_2'))).toMatchObject({
      status: 403,
      text: expect.stringContaining('not made'),
    });
    for (const method of ['POST', 'OPTIONS', 'DELETE']) {
      const refused = await send(gateway, path, { method });
      expect([refused.status, refused.headers.allow]).toEqual([405, 'GET, HEAD']);
    }
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
      'The file cannot be delivered: Stripe did not answer within 10 s.\n',
    ]);
  });

  it('answers 503 and when to come back where Stripe allows no more file reads', async () => {
    const limited = new UpstreamError('rate_limited', 'Stripe allows 20 file reads a second.');
    const { gateway, path } = await withFile(() => Promise.reject(limited));
    await using _ = gateway;
    const { status, headers } = await send(gateway, path);
    expect([status, headers['retry-after']]).toEqual([503, '1']);
  });

  it('breaks the connection when Stripe fails midway, so that half a file is never taken for a whole one', async () => {
    const source = new PassThrough();
    const { gateway, path } = await withFile(opening(source), 8n);
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
    const { gateway, path } = await withFile((_run, { signal }) => {
      signals.push(signal);
      return Promise.resolve(fileOf(source));
    }, 1_000n);
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

  it('lets go of a client that takes nothing for too long', async () => {
    const source = new Readable({ read: (): void => void source.push(Buffer.alloc(65_536)) });
    const { gateway, path } = await withFile(opening(source), 5_000_000_000n, 200);
    await using _ = gateway;
    const req = request({ port: gateway.port, path }).end();
    req.on('error', () => {});
    const [res] = await once(req, 'response');
    res.on('error', () => {});
    await until(() => source.destroyed);
    expect(res.complete).toBe(false);
  });
});
