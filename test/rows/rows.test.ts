import { Readable } from 'node:stream';
import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { ReportFile } from '../../src/models/report-run.js';
import { readCsvPage } from '../../src/rows/csv-page.js';
import { openCsv } from '../../src/rows/open-csv.js';
import { csvFile, wholly } from './csv.js';
import { until } from '../support/until.js';
import {
  answerOf,
  fileOf,
  type Given,
  given,
  modelOf,
  type RunOf,
  readUpstream,
  refusalOf,
  rowsOf,
  runOf,
  runWith,
  STAYING,
} from './support.js';
import { type Zipped, zipOf } from './zips.js';

/** `count` rows of a column with its number and one with more. */
const numbered = (count: number): string =>
  `n,text\n${Array.from({ length: count }, (_, at) => `${at},"row ${at},\nof many"\n`).join('')}`;

async function walk(from: Given, id: string, sizes: readonly number[]) {
  const cells: (readonly string[])[] = [];
  for (let after: string | null = null, turn = 0; ; turn += 1) {
    const page = await rowsOf(from, id, { first: sizes[turn % sizes.length] ?? 20, after });
    cells.push(...page.nodes.map((node) => node.cells));
    expect(page.pageInfo.hasPreviousPage).toBe(turn > 0);
    if (!page.pageInfo.hasNextPage) return cells;
    after = page.pageInfo.endCursor;
  }
}

const expected = (count: number) =>
  Array.from({ length: count }, (_, at) => [`${at}`, `row ${at},\nof many`]);

describe.each(['V1', 'V2'] as const)('rows of a file of %s', (api) => {
  test('are walked in the order of the file, with ranges and without', async () => {
    const all = await given();
    for (const ranges of [true, false]) {
      await all.sandbox.control('POST', 'settings', { ranges });
      const id = await runWith(all, numbered(53), { api });
      expect(await walk(all, id, [1, 20, 7])).toEqual(expected(53));
      expect(await walk(all, id, [1_000])).toEqual(expected(53));
    }
  });

  test('go on where the page before ended, in one request', async () => {
    const all = await given();
    const id = await runWith(all, numbered(53), { api });
    const { pageInfo } = await rowsOf(all, id, { first: 50 });
    await all.sandbox.control('DELETE', 'requests');
    const page = await rowsOf(all, id, { first: 50, after: pageInfo.endCursor });
    expect(page.nodes.map(({ cells }) => cells)).toEqual(expected(53).slice(50));
    const read = await readUpstream(all);
    expect(read.files).toBe(1);
    expect(read.ranges).toEqual([expect.stringMatching(/^bytes=\d{3,}-/)]);
    expect(read.bytes).toBeLessThan(100);
  });

  test('cost a page of a large file and not the file', async () => {
    const all = await given();
    const id = await runWith(all, 200_000_000, { api });
    const page = await rowsOf(all, id, { first: 1_000 });
    expect(page.nodes).toHaveLength(1_000);
    expect(page.nodes[999]?.values).toEqual({
      id: 'txn_0000000000000001',
      description: 'Payment for order 4242, paid in full',
      amount: '1234.50',
      currency: 'usd',
    });
    expect(await readUpstream(all)).toMatchObject({ files: 1, bytes: 516_000 });
    await rowsOf(all, id, { first: 20, after: page.pageInfo.endCursor });
    expect(await readUpstream(all)).toMatchObject({ files: 2, bytes: expect.closeTo(516_000 + 19_000, -3) });
  });

  test('that are longer than the ones before are read on', async () => {
    const all = await given();
    const id = await runWith(all, `n\n1\n2\n${'x'.repeat(300_000)}\n${'y'.repeat(300_000)}\n3\n`, { api });
    const cells = await walk(all, id, [2]);
    expect(cells.map(([cell]) => cell?.length)).toEqual([1, 1, 300_000, 300_000, 1]);
  });

  test('that begin with any row are the rows behind its cursor', async () => {
    const all = await given();
    const id = await runWith(all, numbered(12), { api });
    const { edges } = await rowsOf(all, id);
    for (const [at, { cursor }] of edges.entries()) {
      const page = await rowsOf(all, id, { first: 3, after: cursor });
      expect(page.nodes.map(({ cells }) => cells)).toEqual(expected(12).slice(at + 1, at + 4));
      expect(page.pageInfo.hasNextPage).toBe(at + 4 < 12);
    }
  });
});

test('any file, in any pages, gives the rows of the whole', { timeout: 60_000 }, async () => {
  const all = await given();
  await all.sandbox.control('POST', 'settings', { limits: false });
  const kind = fc.constantFrom<[RunOf, boolean]>(
    [{ api: 'V1' }, true],
    [{ api: 'V1' }, false],
    [{ api: 'V2' }, true],
    [{ api: 'V2' }, false],
    [{ api: 'V2', contentType: 'zip' }, true],
  );
  const sizes = fc.array(fc.integer({ min: 5, max: 30 }), { minLength: 1, maxLength: 3 });
  await fc.assert(
    fc.asyncProperty(csvFile, kind, sizes, async (csv, [run, ranges], pages) => {
      await all.sandbox.control('POST', 'settings', { ranges });
      const file = run.contentType === 'zip' ? zipOf({ content: csv, descriptor: 'signed' }) : csv;
      const id = await runWith(all, file, run);
      const { header, rows } = wholly(csv);
      expect(await walk(all, id, pages)).toEqual(rows);
      const { rowCount } = await fileOf<{ rowCount: string }>(all, id, 'rowCount');
      expect(rowCount).toBe(String(rows.length));
      // What v2 says of columns is of the file the sandbox would have made.
      const query = run.api === 'V1' ? 'columns { name }' : 'columns: rows { nodes { cells } }';
      const { columns } = await fileOf<{ columns: unknown }>(all, id, query);
      const first = { nodes: rows.slice(0, 20).map((cells) => ({ cells })) };
      expect(columns).toEqual(run.api === 'V1' ? (header ?? []).map((name) => ({ name })) : first);
    }),
    { numRuns: 25 },
  );
});

describe('rows of a ZIP', () => {
  const ways: readonly (readonly [string, Omit<Zipped, 'content'>])[] = [
    ['with its sizes before it', {}],
    ['with its sizes behind it', { descriptor: 'signed' }],
    ['stored', { method: 0 }],
  ];

  test.each(ways)('%s are walked like those of a CSV', async (_name, way) => {
    const all = await given();
    const file = zipOf({ content: numbered(53), ...way });
    const id = await runWith(all, file, { api: 'V2', contentType: 'zip' });
    expect(await walk(all, id, [20, 1])).toEqual(expected(53));
  });

  test('made by the sandbox are those of its CSV', async () => {
    const all = await given();
    const { data } = await all.gateway.query<{ createReportRun: { reportRun: { id: string } } }>(`mutation {
      createReportRun(input: { v2: { report: "report_test_balance_summary", parameters: { interval_start: "2026-01-01T00:00:00Z", interval_end: "2026-02-01T00:00:00Z" }, resultOptions: { compressFile: true } } }) { reportRun { id } userErrors { message } }
    }`);
    const id = data?.createReportRun.reportRun.id ?? '';
    await all.sandbox.control('POST', `runs/${id}/finish`, { outcome: 'succeeded' });
    await until(() => modelOf(all, id).then(Boolean, () => false));
    const file = await fileOf<{
      contentType: string;
      columns: unknown;
      rowCount: string;
      rows: { nodes: unknown[] };
    }>(all, id, 'contentType rowCount columns { name type } rows(first: 1000) { nodes { cells } }');
    expect(file.contentType).toBe('ZIP');
    expect(file.columns).toContainEqual({ name: 'net_amount', type: 'DOUBLE' });
    expect(file.rows.nodes).toHaveLength(Number(file.rowCount));
  });

  test('are refused where more than 256 MB of it would have to be unzipped', async () => {
    const file = zipOf({ content: Buffer.from(`n\n${`${'0'.repeat(999)}\n`.repeat(257_000)}`) });
    const open = () => Promise.resolve({ stream: () => Readable.from([file]) });
    const description = { contentType: 'ZIP', runId: 'reprun_1', size: BigInt(file.length) } as ReportFile;
    const read = (offset: number) => {
      const request = { place: { offset, line: 2, row: 1 }, header: ['n'], rows: 2 };
      return readCsvPage(openCsv(description, open, request), request);
    };
    expect((await read(250_000_002)).rows).toHaveLength(2);
    await expect(read(256_000_002)).rejects.toMatchObject({
      code: 'ROWS_UNAVAILABLE',
      message: expect.stringMatching(/^More than 256 MB/),
    });
  });
});

describe('a row', () => {
  test('has its cells as they stand in the file, and by the names of the columns', async () => {
    const all = await given();
    const text = '\ufeffid,amount,id,"a ""b""",id_2,__proto__\r\n1,-0.10,2,,12345678901234567890.10,x\r\n';
    const [row] = (await rowsOf(all, await runWith(all, text))).nodes;
    expect(row?.cells).toEqual(['1', '-0.10', '2', '', '12345678901234567890.10', 'x']);
    expect(Object.entries(row?.values ?? {})).toEqual([
      ['id', '1'],
      ['amount', '-0.10'],
      ['id_3', '2'],
      ['a "b"', ''],
      ['id_2', '12345678901234567890.10'],
      ['__proto__', 'x'],
    ]);
  });

  test('that is broken fails its page with its line, and no other page', async () => {
    const all = await given();
    const id = await runWith(all, 'a,b\n1,2\n"3\n3",4\n5\n6,7\n');
    const { nodes, pageInfo } = await rowsOf(all, id, { first: 2 });
    expect(nodes.map(({ cells }) => cells)).toEqual([
      ['1', '2'],
      ['3\n3', '4'],
    ]);
    expect(pageInfo.hasNextPage).toBe(true);
    for (const paging of [{ first: 3 }, { after: pageInfo.endCursor }]) {
      expect(await refusalOf(all, id, paging)).toMatchObject({
        code: 'ROWS_UNAVAILABLE',
        message: 'The row that begins on line 5 of the file has 1 cells, where the file has 2 columns.',
        extensions: { line: 5 },
      });
    }
  });
});

describe('files without rows', () => {
  test.each([
    ['empty', '', []],
    ['a header only', 'a,b\n', [{ name: 'a' }, { name: 'b' }]],
  ])('that are %s have an empty page', async (_name, text, columns) => {
    const all = await given();
    const id = await runWith(all, text);
    const page = await rowsOf(all, id);
    expect(page).toEqual({
      nodes: [],
      edges: [],
      pageInfo: { hasNextPage: false, hasPreviousPage: false, startCursor: null, endCursor: null },
    });
    expect(await fileOf(all, id, 'rowCount columns { name }')).toEqual({ rowCount: '0', columns });
  });

  test.each(['running', 'failed'])('of a run that is %s are not there', async (status) => {
    const all = await given();
    const id = await runOf(all, { status });
    const { data, errors } = await answerOf(all, id);
    expect(errors).toBeUndefined();
    expect(data?.reportRun.result).toBe(null);
  });
});

describe('the upstream', () => {
  test('that breaks off midway is an error and no short page', async () => {
    const all = await given();
    const id = await runWith(all, numbered(200));
    const { pageInfo } = await rowsOf(all, id, { first: 1 });
    const paging = { first: 199, after: pageInfo.endCursor };
    await all.sandbox.control('POST', 'faults', { kind: 'truncated', path: '/v1/files/*', times: 1 });
    expect(await refusalOf(all, id, paging)).toMatchObject({
      code: 'UPSTREAM_UNAVAILABLE',
      message: expect.stringMatching(/^Stripe broke off after \d{4} bytes of the file\.$/),
    });
    expect((await rowsOf(all, id, paging)).nodes).toHaveLength(199);
  });

  test('is asked once for what several clients want at the same time', async () => {
    const all = await given();
    const id = await runWith(all, numbered(50));
    const file = await modelOf(all, id);
    const { rows } = all.gateway.services;
    const pages = await Promise.all(
      Array.from({ length: 10 }, () => rows.page(file, { first: 5, after: null }, STAYING)),
    );
    for (const page of pages) expect(page.rows.map(({ row }) => row.cells)).toEqual(expected(5));
    expect((await readUpstream(all)).files).toBe(1);
  });

  test('is asked once for columns, rows and their count together', async () => {
    const all = await given();
    const id = await runWith(all, numbered(5));
    const file = await fileOf(all, id, 'rowCount columns { name type } rows { nodes { cells } }');
    expect(file).toMatchObject({
      rowCount: '5',
      columns: [
        { name: 'n', type: null },
        { name: 'text', type: null },
      ],
    });
    expect((await readUpstream(all)).files).toBe(1);
  });
});
