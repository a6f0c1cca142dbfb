import { parse } from 'csv-parse/sync';
import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { csvOf } from '../../src/sandbox/files/content.js';
import { start, text, V1_RUNS, V2_RUNS } from './support.js';

const KEY = { authorization: 'Bearer sk_test_a' };

/** A sandbox with one finished run of an API, and what it takes to give it a file and to read it. */
async function withRun(api: 'V1' | 'V2') {
  const { control, get } = await start();
  const { ids } = await control('POST', 'runs', { account: 'acct_a', api, count: 1 });
  const id = text(ids?.['0' as never]);
  const shown = async () => {
    const { body } = await get(`${api === 'V1' ? V1_RUNS : V2_RUNS}/${id}`);
    const { result } = body;
    return api === 'V1' ? { file: result, url: result?.['url'] } : linkOf(result?.['file']);
  };
  const linkOf = (file: Awaited<ReturnType<typeof get>>['body'] | undefined) => ({
    file,
    url: file?.['download_url']?.['url'],
  });
  return {
    control,
    shown,
    give: (file: object) => control('POST', `runs/${id}/file`, file),
    read: async (headers: Record<string, string> = {}) => {
      const answer = await fetch(text((await shown()).url), {
        headers: { ...(api === 'V1' ? KEY : {}), ...headers },
      });
      return { answer, bytes: Buffer.from(await answer.arrayBuffer()) };
    },
  };
}

describe.each(['V1', 'V2'] as const)('a %s run that is given a file', (api) => {
  test('has its bytes, size and type', async () => {
    const { give, read, shown } = await withRun(api);
    const odd = Buffer.from([0xef, 0xbb, 0xbf, 0x61, 0xff, 0x0d, 0x0a]);
    await give({ text: 'é,b\n' });
    expect((await read()).bytes.toString()).toBe('é,b\n');
    expect(Number((await shown()).file?.['size'])).toBe(5);
    await give({ base64: odd.toString('base64'), contentType: 'zip' });
    const { answer, bytes } = await read();
    expect(bytes.equals(odd)).toBe(true);
    expect(answer.headers.get('content-type')).toBe('application/zip');
    expect((await shown()).file?.[api === 'V1' ? 'type' : 'content_type']).toBe('zip');
  });

  test('sends the part that Range asks for, or the whole where it does not know ranges', async () => {
    const { control, give, read } = await withRun(api);
    await give({ text: '0123456789' });
    const seen = async (range: string) => {
      const { answer, bytes } = await read({ range });
      return [answer.status, answer.headers.get('content-range'), bytes.toString()];
    };
    expect(await seen('bytes=3-5')).toEqual([206, 'bytes 3-5/10', '345']);
    expect(await seen('bytes=7-')).toEqual([206, 'bytes 7-9/10', '789']);
    expect(await seen('bytes=-2')).toEqual([206, 'bytes 8-9/10', '89']);
    expect(await seen('bytes=8-99')).toEqual([206, 'bytes 8-9/10', '89']);
    expect(await seen('bytes=10-')).toEqual([416, 'bytes */10', '']);
    expect(await seen('bytes=0-1,3-4')).toEqual([200, null, '0123456789']);
    await control('POST', 'settings', { ranges: false });
    expect(await seen('bytes=3-5')).toEqual([200, null, '0123456789']);
  });
});

test('a large file is sent as it is made', async () => {
  const { control, give, read, shown } = await withRun('V1');
  expect(await give({ bytes: 5_000_000_000 })).toEqual({ size: 5_000_000_000 });
  expect((await shown()).file?.['size']).toBe(5_000_000_000);
  await control('DELETE', 'requests');
  const { answer, bytes } = await read({ range: 'bytes=4999999000-' });
  expect(answer.headers.get('content-range')).toBe('bytes 4999999000-4999999999/5000000000');
  expect(bytes).toHaveLength(1_000);
  expect(bytes.at(-1)).toBe(10);
  const { requests } = await control('GET', 'requests');
  expect(requests?.['1' as never]).toMatchObject({ range: 'bytes=4999999000-', bytesSent: 1_000 });
});

test('a generated file has exactly so many bytes, is CSV, and is the same from wherever it is read', () => {
  const sizes = fc.integer({ min: 0, max: 800_000 });
  const property = fc.property(sizes, sizes, sizes, (size, a, b) => {
    const file = csvOf(size);
    const whole = Buffer.concat([...file.pieces(0, size)]);
    expect(whole).toHaveLength(size);
    const start = Math.min(a, b, size);
    const end = Math.min(Math.max(a, b), size);
    expect(Buffer.concat([...file.pieces(start, end)]).equals(whole.subarray(start, end))).toBe(true);
  });
  fc.assert(property, { numRuns: 60 });
  for (const size of [200, 201, 5_000]) {
    const rows = parse(Buffer.concat([...csvOf(size).pieces(0, size)]));
    expect(new Set(rows.map((row) => row.length))).toEqual(new Set([4]));
  }
});

test('what is no file, or two, is refused', async () => {
  const { give } = await withRun('V1');
  for (const file of [{}, { text: 'a', bytes: 1 }, { text: 'a', contentType: 'pdf' }, { bytes: -1 }])
    await expect(give(file)).rejects.toThrow('400');
});
