import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { readCsvPage, START } from '../../src/rows/csv-page.js';
import { until } from '../support/until.js';
import { csvFile, inPieces, walked, wholly } from './csv.js';

const sizes = (max: number) => fc.array(fc.integer({ min: 1, max }), { minLength: 1, maxLength: 5 });

/** A first page of a text, in pieces of 7 bytes. */
const pageOf = (text: string | Buffer, rows: number | 'count' = 10) =>
  readCsvPage(inPieces(Buffer.from(text), [7]), { place: START, header: null, rows });

const cellsOf = async (text: string | Buffer) => (await pageOf(text)).rows.map(({ cells }) => cells);

describe('a walk over a CSV file', () => {
  test('gives the rows of the whole, whatever the file, the pages and the pieces it comes in', async () => {
    await fc.assert(
      fc.asyncProperty(csvFile, sizes(7), sizes(40), async (file, pages, pieces) => {
        const expected = wholly(file);
        const walk = await walked(file, pages, pieces);
        expect({ header: walk.header, rows: walk.rows }).toEqual(expected);
        expect(walk.next).toMatchObject({ row: expected.rows.length });
      }),
      { numRuns: 500 },
    );
  });

  test('gives the line on which each row begins', async () => {
    const page = await pageOf('a,b\r\n1,"x\r\ny\n"\n\n2,z\r3,\n');
    expect(page.rows.map(({ next }) => next.line)).toEqual([5, 7, 8]);
    expect(page.rows.map(({ next }) => next.row)).toEqual([1, 2, 3]);
  });
});

describe('a file', () => {
  test.each([
    ['that is empty', '', null, []],
    ['of nothing but a mark', '\ufeff', null, []],
    ['of nothing but line ends', '\r\n\n', null, []],
    ['of a header only', 'a,b', ['a', 'b'], []],
    ['whose last line has no end', 'a,b\n1,2', ['a', 'b'], [['1', '2']]],
    ['with quoted line ends, commas and quotes', 'a,b\n"1\r\n,","""2"""\n', ['a', 'b'], [['1\r\n,', '"2"']]],
    ['with a mark and a quoted name', '\ufeff"a",b\n1,2\n', ['a', 'b'], [['1', '2']]],
    ['of one column with an empty row', 'a\n1\n\n', ['a'], [['1'], ['']]],
    ['of two columns with an empty line', 'a,b\n\n1,2\n\n', ['a', 'b'], [['1', '2']]],
    [
      'with numbers no double can hold',
      'n\n-0.10\n12345678901234567890.00\n',
      ['n'],
      [['-0.10'], ['12345678901234567890.00']],
    ],
  ])('%s is read as it stands', async (_name, text, header, rows) => {
    const page = await pageOf(text);
    expect(page.header).toEqual(header);
    expect(page.rows.map(({ cells }) => cells)).toEqual(rows);
    expect(page.isEnd).toBe(true);
  });

  test('has U+FFFD where its bytes are not UTF-8', async () => {
    const bytes = Buffer.concat([Buffer.from('a,b\nM'), Buffer.from([0xfc]), Buffer.from('ller,2\n')]);
    expect(await cellsOf(bytes)).toEqual([['M\ufffdller', '2']]);
  });

  test.each([[[0xff, 0xfe]], [[0xfe, 0xff]]])('in UTF-16 (%j) is refused', async (mark) => {
    const bytes = Buffer.concat([Buffer.from(mark), Buffer.from('a,b', 'utf16le')]);
    await expect(pageOf(bytes)).rejects.toMatchObject({
      code: 'ROWS_UNAVAILABLE',
      message: expect.stringMatching(/UTF-16/),
    });
  });
});

describe('a broken row', () => {
  test.each([
    ['too short', '3\n', 'has 1 cells, where the file has 2 columns.'],
    ['too long', '3,4,5\n', 'has 3 cells, where the file has 2 columns.'],
    ['with a quote within', '3,4"4\n', 'is not valid CSV: it has a quote where none can be.'],
    ['with more behind its quote', '3,"4"4\n', 'is not valid CSV: it has a quote where none can be.'],
    ['never closed', '3,"4\n', 'opens a quote that is never closed.'],
    ['past all bounds', `3,"${'x'.repeat(2_000_001)}"\n`, 'is longer than 2000000 characters.'],
  ])('%s is told with its line', async (_name, broken, what) => {
    const text = `a,b\n"1\n1",2\n${broken}`;
    await expect(pageOf(text)).rejects.toMatchObject({
      code: 'ROWS_UNAVAILABLE',
      message: `The row that begins on line 4 of the file ${what}`,
      extensions: { line: 4 },
    });
    await expect(pageOf(text, 'count')).rejects.toMatchObject({ extensions: { line: 4 } });
  });

  test('fails its own page and not the one before, however the bytes come', async () => {
    for (const size of [1, 5, 1_000]) {
      for (const broken of ['3\n', '3,4"4\n', '3,"4\n']) {
        const bytes = inPieces(Buffer.from(`a,b\n1,2\n${broken}`), [size]);
        const page = await readCsvPage(bytes, { place: START, header: null, rows: 1 });
        expect(page).toMatchObject({ rows: [{ cells: ['1', '2'] }], isEnd: false });
      }
    }
  });
});

describe('a page', () => {
  test('holds a cell of a megabyte', async () => {
    const cell = `é${'x'.repeat(1_000_000)}`;
    const file = Buffer.from(`a,b\n${cell},2\n`);
    const page = await readCsvPage(inPieces(file, [65_536]), { place: START, header: null, rows: 10 });
    expect(page.rows[0]?.cells[0] === cell).toBe(true);
  });

  test('ends early where its rows are long, and says that more follow', async () => {
    const file = Buffer.from(`a\n${`${'x'.repeat(1_500_000)}\n`.repeat(5)}`);
    const page = await readCsvPage(inPieces(file, [65_536]), { place: START, header: null, rows: 10 });
    expect(page).toMatchObject({ isEnd: false, next: { row: 3 } });
    expect((await walked(file, [10], [65_536])).rows).toHaveLength(5);
  });

  test('is read no further than into the row behind it', async () => {
    let given = 0;
    let closed = false;
    async function* endless() {
      try {
        for (;;) {
          yield Buffer.from(given++ === 0 ? 'a,b\n' : '1,2\n');
        }
      } finally {
        closed = true;
      }
    }
    const page = await readCsvPage(endless(), { place: START, header: null, rows: 3 });
    expect(page).toMatchObject({ isEnd: false, next: { row: 3, offset: 16 } });
    // Node reads a little ahead.
    expect(given).toBeLessThan(40);
    await until(() => closed);
  });

  test('is not given at all where the bytes break off', async () => {
    async function* broken() {
      yield Buffer.from('a,b\n1,2\n');
      throw new Error('gone');
    }
    await expect(readCsvPage(broken(), { place: START, header: null, rows: 3 })).rejects.toThrow('gone');
  });

  test('counts rows without keeping them', async () => {
    expect(await pageOf('a,b\n1,2\n\n3,4', 'count')).toMatchObject({
      rows: [],
      next: { row: 2 },
      isEnd: true,
    });
  });
});
