import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { unzipCsv } from '../../src/rows/zip.js';
import { inPieces } from './csv.js';
import { type Zipped, zipOf } from './zips.js';

async function unzipped(bytes: Buffer, pieces: readonly number[] = [64], limit = 1_000_000): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of unzipCsv(inPieces(bytes, pieces), limit)) chunks.push(chunk);
  return Buffer.concat(chunks);
}

const CSV = 'a,b\n1,2\n'.repeat(2_000);
const refused = (message: RegExp) => ({ code: 'ROWS_UNAVAILABLE', message: expect.stringMatching(message) });

describe('a ZIP is read forward', () => {
  const ways: readonly (readonly [string, Omit<Zipped, 'content'>])[] = [
    ['with its sizes before it', {}],
    ['stored', { method: 0 }],
    ['with its sizes behind it', { descriptor: 'signed' }],
    ['with its sizes behind it and no signature', { descriptor: 'bare' }],
    ['in ZIP64', { zip64: true }],
    ['in ZIP64 and stored', { zip64: true, method: 0 }],
    ['in ZIP64 with its sizes behind it', { zip64: true, descriptor: 'wide' }],
    ['in ZIP64 without saying so', { descriptor: 'wide' }],
  ];

  test.each(ways)('%s, in any pieces', async (_name, way) => {
    const content = fc.oneof(fc.constant(CSV), fc.string({ maxLength: 50 }));
    const pieces = fc.array(fc.integer({ min: 1, max: 3_000 }), { minLength: 1, maxLength: 4 });
    await fc.assert(
      fc.asyncProperty(content, pieces, async (csv, sizes) => {
        if (way.descriptor === 'wide' && way.zip64 !== true && csv === '') return;
        expect((await unzipped(zipOf({ content: csv, ...way }), sizes)).toString()).toBe(csv);
      }),
      { numRuns: 50 },
    );
  });

  test('past other files and folders', async () => {
    const bytes = zipOf(
      { name: 'reports/', content: '', method: 0 },
      { name: 'reports/readme.txt', content: 'nothing', descriptor: 'signed' },
      { name: '__MACOSX/reports/._report.csv', content: 'nothing' },
      { name: 'reports/report.CSV', content: CSV, descriptor: 'signed' },
      { name: 'reports/sums', content: 'nothing', method: 0 },
    );
    expect((await unzipped(bytes, [17])).toString()).toBe(CSV);
  });

  test('though its bytes look like the end of it', async () => {
    const signs = 'PK\x07\x08PK\x03\x04PK\x01\x02PK\x05\x06';
    const bytes = zipOf({ content: `a\n${signs}\n`, level: 0, descriptor: 'signed' });
    expect((await unzipped(bytes)).toString()).toBe(`a\n${signs}\n`);
  });

  test('only as far as somebody wants it', async () => {
    let given = 0;
    const file = zipOf({
      content: Buffer.from(Array.from({ length: 500_000 }, (_, at) => (at * 7919) % 251)),
      level: 0,
    });
    async function* counted() {
      for await (const piece of inPieces(file, [1_000])) {
        given += piece.length;
        yield piece;
      }
    }
    for await (const _ of unzipCsv(counted(), 1_000_000)) break;
    expect(given).toBeLessThan(100_000);
  });
});

describe('a ZIP is refused', () => {
  test.each([
    ['without any file', zipOf(), /holds no CSV file/],
    ['without a CSV file', zipOf({ name: 'report.txt', content: CSV }), /holds no CSV file/],
    [
      'with two CSV files',
      zipOf({ content: CSV }, { name: 'b.csv', content: CSV }),
      /holds several CSV files/,
    ],
    ['that is encrypted', zipOf({ content: CSV, flags: 1 }), /is encrypted/],
    ['of an unknown method', zipOf({ content: CSV, method: 12 }), /by method 12/],
    ['whose checksum is another', zipOf({ content: CSV, checksum: 1 }), /is damaged/],
    [
      'whose checksum behind it is another',
      zipOf({ content: CSV, checksum: 1, descriptor: 'signed' }),
      /is damaged/,
    ],
    ['that ends early', zipOf({ content: CSV }).subarray(0, 60), /is damaged/],
    ['that ends in a header', zipOf({ content: CSV }).subarray(0, 20), /is damaged/],
    ['that is none', Buffer.from(CSV), /is damaged/],
    ['that is empty', Buffer.alloc(0), /is damaged/],
  ])('%s', async (_name, bytes, message) => {
    await expect(unzipped(bytes)).rejects.toMatchObject(refused(message));
  });

  test('whose deflate stream is damaged', async () => {
    const bytes = zipOf({ content: CSV });
    bytes.fill(0xff, 50, 60);
    await expect(unzipped(bytes)).rejects.toMatchObject(refused(/is damaged/));
  });

  test('when more of it would have to be unzipped than is allowed', async () => {
    const bytes = zipOf({ content: Buffer.alloc(3_000_000) });
    await expect(unzipped(bytes, [64], 2_000_000)).rejects.toMatchObject(
      refused(/^More than 2 MB of the ZIP/),
    );
  });

  test('with the error of the bytes where these break off', async () => {
    async function* broken() {
      yield zipOf({ content: CSV }).subarray(0, 60);
      throw new Error('gone');
    }
    const reading = (async () => {
      for await (const _ of unzipCsv(broken(), 1_000_000));
    })();
    await expect(reading).rejects.toThrow('gone');
  });
});
