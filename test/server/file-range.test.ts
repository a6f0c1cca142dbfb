import { Readable } from 'node:stream';
import { describe, expect, it } from 'vitest';
import type { FileOpener } from '../../src/server/files.js';
import { runOf } from './schema.js';
import { fileOf, send, startGateway } from './support.js';

const CONTENT = Buffer.from('0123456789');

/** A gateway with one run whose file is CONTENT, and what was asked of the upstream. */
async function withFile() {
  const asked: unknown[] = [];
  const open: FileOpener = (_run, { range }) => {
    asked.push(range ?? 'whole');
    const bytes = CONTENT.subarray(range?.start ?? 0, (range?.end ?? CONTENT.length) + 1);
    return Promise.resolve(fileOf(Readable.from([bytes])));
  };
  const gateway = await startGateway({ open });
  gateway.runs.set('reprun_1', runOf('reprun_1', 'SUCCEEDED', 10n));
  const { path } = gateway.links.sign('reprun_1', 300);
  const get = (headers: Record<string, string>, method = 'GET') => send(gateway, path, { headers, method });
  return { gateway, asked, get };
}

describe('Range', () => {
  it.each([
    ['bytes=0-0', '0', 'bytes 0-0/10'],
    ['bytes=2-5', '2345', 'bytes 2-5/10'],
    ['bytes=7-', '789', 'bytes 7-9/10'],
    ['bytes=0-', '0123456789', 'bytes 0-9/10'],
    ['bytes=-3', '789', 'bytes 7-9/10'],
    ['bytes=-99', '0123456789', 'bytes 0-9/10'],
    ['bytes=8-99999999999999999999', '89', 'bytes 8-9/10'],
    ['Bytes= 2-5 ', '2345', 'bytes 2-5/10'],
  ])('%s is answered with that part', async (range, text, contentRange) => {
    const { gateway, get } = await withFile();
    await using _ = gateway;
    const answer = await get({ range });
    expect([answer.status, answer.text]).toEqual([206, text]);
    expect(answer.headers).toMatchObject({
      'content-range': contentRange,
      'content-length': String(text.length),
      'accept-ranges': 'bytes',
    });
  });

  it.each([
    'bytes=9-1',
    'bytes=10-',
    'bytes=99999999999999999999-',
    'bytes=-0',
    'bytes=-',
    'bytes=',
    'bytes=abc',
    'bytes=1-2x',
    'bytes=--3',
  ])(
    '%s is no part of the file: 416 with a sentence and the size, and nothing is asked of Stripe',
    async (range) => {
      const { gateway, asked, get } = await withFile();
      await using _ = gateway;
      const answer = await get({ range });
      expect([answer.status, answer.headers['content-range'], asked]).toEqual([416, 'bytes */10', []]);
      expect(answer.text).toMatch(/^The file has 10 bytes; .*\.\n$/);
    },
  );

  it.each(['bytes=0-1,4-5', 'lines=1-2', 'bytes', '0-1'])('%s gets the whole file', async (range) => {
    const { gateway, asked, get } = await withFile();
    await using _ = gateway;
    const answer = await get({ range });
    expect([answer.status, answer.text, answer.headers['content-range']]).toEqual([
      200,
      '0123456789',
      undefined,
    ]);
    expect(asked).toEqual(['whole']);
  });

  it('counts only where If-Range, if there is one, has the tag of the file', async () => {
    const { gateway, get } = await withFile();
    await using _ = gateway;
    const { etag = '' } = (await get({})).headers;
    expect(etag).toMatch(/^"[\w-]+"$/);
    const status = async (ifRange: string) => (await get({ range: 'bytes=2-5', 'if-range': ifRange })).status;
    expect(await status(etag)).toBe(206);
    for (const other of ['"other"', `W/${etag}`, 'Sat, 21 Nov 2026 12:00:00 GMT'])
      expect(await status(other)).toBe(200);
  });

  it('of a file without a byte is 416', async () => {
    await using gateway = await startGateway();
    gateway.runs.set('reprun_0', runOf('reprun_0', 'SUCCEEDED', 0n));
    const { path } = gateway.links.sign('reprun_0', 300);
    for (const range of ['bytes=0-', 'bytes=-1']) {
      const { status, headers } = await send(gateway, path, { headers: { range } });
      expect([status, headers['content-range']]).toEqual([416, 'bytes */0']);
    }
  });
});

describe('HEAD', () => {
  it('has the headers of GET without a byte, whatever Range says, and asks nothing of Stripe', async () => {
    const { gateway, asked, get } = await withFile();
    await using _ = gateway;
    const [head, withRange, whole] = [
      await get({}, 'HEAD'),
      await get({ range: 'bytes=2-5' }, 'HEAD'),
      await get({}),
    ];
    for (const { status, bytes, headers } of [head, withRange]) {
      expect([status, bytes.length]).toEqual([200, 0]);
      expect({ ...headers, date: null }).toEqual({ ...whole.headers, date: null });
    }
    expect(asked).toEqual(['whole']);
  });

  it('is refused as GET is', async () => {
    const { gateway, get } = await withFile();
    await using _ = gateway;
    gateway.clock.now += 301_000;
    expect(await get({}, 'HEAD')).toMatchObject({ status: 410, text: '' });
  });
});
