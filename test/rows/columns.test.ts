import { describe, expect, test } from 'vitest';
import { describeColumns, keysOf } from '../../src/rows/columns.js';
import { fileOf, given, modelOf, readUpstream, rowsOf, runOf, runWith } from './support.js';

const columnsOf = async (from: Parameters<typeof fileOf>[0], id: string) =>
  (await fileOf<{ columns: unknown }>(from, id, 'columns { name type }')).columns;

describe('columns', () => {
  test('of v1 are those of the first line, with the types of the documented ones', async () => {
    const all = await given();
    const id = await runOf(all);
    expect(await columnsOf(all, id)).toEqual([
      { name: 'category', type: 'VARCHAR' },
      { name: 'description', type: 'VARCHAR' },
      { name: 'net_amount', type: 'DOUBLE' },
      { name: 'currency', type: 'VARCHAR' },
    ]);
    expect((await readUpstream(all)).files).toBe(1);
  });

  test('of v2 are what Stripe says of them, and no file is read', async () => {
    const all = await given();
    const id = await runOf(all, { api: 'V2' });
    await modelOf(all, id);
    await all.sandbox.control('DELETE', 'requests');
    expect(await columnsOf(all, id)).toContainEqual({ name: 'net_amount', type: 'DOUBLE' });
    expect(await readUpstream(all)).toMatchObject({ files: 0, runs: 1 });
  });

  test('are asked for once', async () => {
    const all = await given();
    for (const api of ['V1', 'V2'] as const) {
      const id = await runOf(all, { api });
      const before = await columnsOf(all, id);
      await all.sandbox.control('DELETE', 'requests');
      expect(await columnsOf(all, id)).toEqual(before);
      expect(await readUpstream(all)).toMatchObject({ files: 0, runs: 0 });
    }
  });

  test('of v2 are those of the first line where that version of the API does not know them', async () => {
    const all = await given();
    const id = await runWith(all, 'net_amount,note\n1.00,x\n', { api: 'V2' });
    await modelOf(all, id);
    const body = { error: { type: 'invalid_request_error', message: 'Unknown include.' } };
    const path = '/v2/reporting/report_runs/*';
    await all.sandbox.control('POST', 'faults', { kind: 'error', path, status: 400, body });
    expect(await columnsOf(all, id)).toEqual([
      { name: 'net_amount', type: 'DOUBLE' },
      { name: 'note', type: null },
    ]);
  });

  test('have the types that their names have in Stripe’s documentation', () => {
    const names = ['created_utc', 'payout_id', 'payment_metadata[order]', 'payment_metadata', 'gross', 'x'];
    expect(describeColumns(names).map(({ type }) => type)).toEqual([
      'TIMESTAMP',
      'VARCHAR',
      'VARCHAR',
      null,
      'DOUBLE',
      null,
    ]);
  });

  test.each([
    [
      ['a', 'a', 'a'],
      ['a', 'a_2', 'a_3'],
    ],
    [
      ['a', 'a_2', 'a'],
      ['a', 'a_2', 'a_3'],
    ],
    [
      ['a', 'a', 'a_2'],
      ['a', 'a_3', 'a_2'],
    ],
    [
      ['', ''],
      ['', '_2'],
    ],
  ])('named %j have the keys %j', (names, keys) => {
    expect(keysOf(names)).toEqual(keys);
  });
});

describe('the count of rows', () => {
  const countOf = async (from: Parameters<typeof fileOf>[0], id: string) =>
    (await fileOf<{ rowCount: string | null }>(from, id, 'rowCount')).rowCount;

  test('of a small file is counted once', async () => {
    const all = await given();
    const id = await runWith(all, `a,b\n${'1,2\n'.repeat(2_000)}`);
    expect(await countOf(all, id)).toBe('2000');
    expect(await countOf(all, id)).toBe('2000');
    expect((await readUpstream(all)).files).toBe(1);
  });

  test('of a large file is null until somebody has read it to its end', async () => {
    const all = await given();
    const id = await runWith(all, 1_200_000);
    expect(await countOf(all, id)).toBe(null);
    expect((await readUpstream(all)).files).toBe(0);
    let rows = 0;
    for (let after: string | null = null, goesOn = true; goesOn; ) {
      const { edges, pageInfo } = await rowsOf(all, id, { first: 1_000, after });
      rows += edges.length;
      goesOn = pageInfo.hasNextPage;
      after = pageInfo.endCursor;
    }
    expect(await countOf(all, id)).toBe(String(rows));
    expect(rows).toBeGreaterThan(15_000);
  });
});
