import type { ServerResponse } from 'node:http';
import { buffer } from 'node:stream/consumers';
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createFileSource, type FileRange } from '../../src/datasources/files.js';
import { createStripeV2 } from '../../src/datasources/stripe-v2.js';
import { fileV1, runFrom, succeededV1 } from './samples.js';
import { API_KEY, failure, startUpstream, type Upstream } from './upstream.js';

const whole = { signal: new AbortController().signal };

async function withFiles(test: (upstream: Upstream, open: Opener) => Promise<void>): Promise<void> {
  await using upstream = await startUpstream();
  const v2 = createStripeV2(upstream.transport());
  const files = createFileSource({ apiKey: API_KEY, base: upstream.base, v2 });
  try {
    await test(upstream, (size, range) => {
      const run = runFrom('V1', { ...succeededV1, result: { ...fileV1, size } });
      return files.open(run, range === undefined ? whole : { ...whole, range });
    });
  } finally {
    await files.close();
  }
}
type Opener = (size: number, range?: FileRange) => ReturnType<ReturnType<typeof createFileSource>['open']>;

/** Answers as a server with ranges would, or as one without; in pieces of `piece` bytes. */
function serve(
  response: ServerResponse,
  content: Buffer,
  range: string | undefined,
  how: { readonly ranges: boolean; readonly lengths: boolean; readonly piece: number },
): void {
  const [, from = '0', to = String(content.length - 1)] = /^bytes=(\d+)-(\d+)$/.exec(range ?? '') ?? [];
  const isPart = how.ranges && range !== undefined;
  const body = isPart ? content.subarray(Number(from), Number(to) + 1) : content;
  response.writeHead(isPart ? 206 : 200, {
    ...(isPart ? { 'content-range': `bytes ${from}-${to}/${content.length}` } : {}),
    ...(how.lengths ? { 'content-length': body.length } : {}),
  });
  for (let at = 0; at < body.length; at += how.piece) response.write(body.subarray(at, at + how.piece));
  response.end();
}

describe('a part of a file', () => {
  it('is the same whether or not the upstream knows ranges and says lengths, and however it cuts its pieces', async () => {
    const how = fc.record({
      ranges: fc.boolean(),
      lengths: fc.boolean(),
      piece: fc.integer({ min: 1, max: 700 }),
    });
    const cut = fc.integer({ min: 0, max: 3_000 }).chain((size) =>
      fc.record({
        size: fc.constant(size),
        start: fc.integer({ min: 0, max: size }),
        end: fc.option(fc.integer({ min: 0, max: size + 100 }), { nil: undefined }),
      }),
    );
    await withFiles(async (upstream, open) => {
      const property = fc.asyncProperty(how, cut, async (manner, { size, start, end }) => {
        const content = Buffer.from(Array.from({ length: size }, (_, i) => (i * 7 + (i >> 8)) % 256));
        upstream.answer((response, { headers }) => serve(response, content, headers.range, manner));
        const file = await open(size, end === undefined ? { start } : { start, end });
        const bytes = await buffer(file.stream());
        const expected = content.subarray(start, end === undefined ? size : end + 1);
        expect(bytes.equals(expected)).toBe(true);
        expect(file).toMatchObject({ size, length: expected.length });
      });
      await fc.assert(property, { numRuns: 200 });
    });
  });

  it('is asked for with Range, the whole file without', async () => {
    await withFiles(async (upstream, open) => {
      const content = Buffer.from('0123456789');
      upstream.answer((response, { headers }) =>
        serve(response, content, headers.range, { ranges: true, lengths: true, piece: 10 }),
      );
      for (const range of [
        undefined,
        { start: 0 },
        { start: 4 },
        { start: 2, end: 3 },
        { start: 2, end: 90 },
      ])
        await buffer((await open(10, range)).stream());
      expect(upstream.requests.map(({ headers }) => headers.range)).toEqual([
        undefined,
        undefined,
        'bytes=4-9',
        'bytes=2-3',
        'bytes=2-9',
      ]);
    });
  });

  it('of no bytes needs no request, and one behind the end is a mistake of the caller', async () => {
    await withFiles(async (upstream, open) => {
      for (const range of [{ start: 10 }, { start: 5, end: 4 }])
        expect(await buffer((await open(10, range)).stream())).toHaveLength(0);
      await expect(open(10, { start: 11 })).rejects.toThrow(RangeError);
      expect(upstream.requests).toEqual([]);
    });
  });

  it.each([
    ['starts elsewhere', 206, { 'content-range': 'bytes 3-9/10' }],
    ['ends elsewhere', 206, { 'content-range': 'bytes 4-8/10' }],
    ['is of a file of another size', 206, { 'content-range': 'bytes 4-9/11' }],
    ['does not say where it starts', 206, {}],
    ['is several parts', 206, { 'content-type': 'multipart/byteranges; boundary=x' }],
    ['is the whole of another file', 200, { 'content-length': '24' }],
    ['says that there is no such part', 416, { 'content-range': 'bytes */3' }],
  ] as const)('that %s is refused', async (_, status, headers) => {
    await withFiles(async (upstream, open) => {
      upstream.answer((response) => {
        response.writeHead(status, headers).end('456789'.padEnd(status === 200 ? 24 : 6, '.'));
      });
      expect(await failure(open(10, { start: 4 }))).toMatchObject({ kind: 'contract' });
    });
  });

  it('is refused where the whole was asked for', async () => {
    await withFiles(async (upstream, open) => {
      upstream.answer((response) => {
        response.writeHead(206, { 'content-range': 'bytes 0-9/10' }).end('0123456789');
      });
      expect(await failure(open(10))).toMatchObject({ kind: 'contract' });
    });
  });

  it.each([
    ['shorter', '01234', 'Stripe broke off after 5 bytes of the file.'],
    ['longer', '0123456789abc', 'What Stripe sends is longer than the file is.'],
  ])('never ends well where what comes is %s than the file', async (_, body, message) => {
    await withFiles(async (upstream, open) => {
      upstream.answer((response) => {
        response.write(body.slice(0, 5));
        setTimeout(() => response.end(body.slice(5)), 5);
      });
      await expect(buffer((await open(10)).stream())).rejects.toThrow(message);
    });
  });

  it('ends the request once it has come, where the upstream goes on to the end of a large file', async () => {
    await withFiles(async (upstream, open) => {
      upstream.answer((response) => {
        const more = (): void => {
          if (!response.destroyed) response.write(Buffer.alloc(65_536, 'x'), () => setImmediate(more));
        };
        more();
      });
      const file = await open(5_000_000_000, { start: 100_000, end: 299_999 });
      expect(await buffer(file.stream())).toHaveLength(200_000);
      while (upstream.brokenOff() === 0) await new Promise((resolve) => setTimeout(resolve, 5));
    });
  });
});
