import { PassThrough } from 'node:stream';
import { describe, expect, onTestFinished, test } from 'vitest';
import { until } from '../support/until.js';
import { createClient } from 'graphql-ws';
import { WebSocket } from 'ws';
import { startTestGateway } from '../support/gateway.js';
import { given, readUpstream, refusalOf, rowsOf, runOf, runWith } from './support.js';
import { zipOf } from './zips.js';

const CSV = `a,b\n${'1,2\n'.repeat(50)}`;
const altered = (cursor: string, at: number) =>
  cursor.slice(0, at) + (cursor[at] === 'A' ? 'B' : 'A') + cursor.slice(at + 1);

describe('first', () => {
  test.each([0, -1, 1_001, 10_000])('%j is refused, and nothing read', async (first) => {
    const all = await given();
    const id = await runWith(all, CSV);
    expect(await refusalOf(all, id, { first })).toMatchObject({
      code: 'BAD_USER_INPUT',
      message: `\`first\` must be between 1 and 1000, but is ${first}.`,
    });
    expect((await readUpstream(all)).files).toBe(0);
  });

  test('that is null is 20', async () => {
    const all = await given();
    expect((await rowsOf(all, await runWith(all, CSV), { first: null })).nodes).toHaveLength(20);
  });
});

describe('after', () => {
  test('has to be as the gateway gave it', async () => {
    const all = await given();
    const id = await runWith(all, CSV);
    const cursor = (await rowsOf(all, id)).pageInfo.endCursor ?? '';
    const list = await all.gateway.query<{ reportRuns: { pageInfo: { endCursor: string } } }>(
      '{ reportRuns(first: 1) { pageInfo { endCursor } } }',
    );
    const bytes = Buffer.from(cursor, 'base64url');
    const moved = bytes.toString('latin1').replace(/\.(\d+)\.(\d+)\.(\d+)$/, '.7.$2.$3');
    const forged = [
      '',
      'null',
      '0',
      '../../etc/passwd',
      'x'.repeat(10_000),
      list.data?.reportRuns.pageInfo.endCursor ?? '',
      Buffer.from(moved, 'latin1').toString('base64url'),
      cursor.slice(0, -1),
      `${cursor}A`,
      `${cursor}=`,
      ...[0, 20, 30, cursor.length - 1].map((at) => altered(cursor, at)),
    ];
    await all.sandbox.control('DELETE', 'requests');
    for (const after of forged) {
      expect(await refusalOf(all, id, { after })).toMatchObject({
        code: 'BAD_USER_INPUT',
        message: '`after` is not a cursor of `rows` as this gateway gave it.',
      });
    }
    expect((await readUpstream(all)).files).toBe(0);
    expect((await rowsOf(all, id, { after: cursor })).nodes).toHaveLength(20);
  });

  test('belongs to one file', async () => {
    const all = await given();
    const [one, other] = [await runWith(all, CSV), await runWith(all, CSV)];
    const after = (await rowsOf(all, one)).pageInfo.endCursor;
    expect(await refusalOf(all, other, { after })).toMatchObject({
      code: 'BAD_USER_INPUT',
      message: `\`after\` is a cursor of another file: that of the report run ${one}.`,
    });
  });

  test('belongs to one account', async () => {
    const all = await given();
    const id = await runWith(all, CSV);
    const after = (await rowsOf(all, id)).pageInfo.endCursor;
    const gateway = await startTestGateway({ upstream: all.sandbox.origin, apiKey: 'sk_test_other' });
    onTestFinished(() => gateway.close());
    const run = { account: 'acct_other', api: 'V1', count: 1 };
    const { ids } = await all.sandbox.control<{ ids: string[] }>('POST', 'runs', run);
    const there = { sandbox: all.sandbox, gateway };
    expect(await refusalOf(there, ids[0] ?? '', { after })).toMatchObject({ code: 'BAD_USER_INPUT' });
    expect(await refusalOf(there, id, { after })).toMatchObject({ code: undefined });
  });
});

describe('an operation', () => {
  const pages = (count: number) =>
    `query ($id: ID!) { reportRun(id: $id) { result { file { ${Array.from(
      { length: count },
      (_, at) => `p${at}: rows(first: 2) { nodes { cells } }`,
    ).join(' ')} } } } }`;

  test('has at most 20 pages of rows', async () => {
    const all = await given();
    const id = await runWith(all, CSV);
    expect((await all.gateway.query(pages(20), { id })).errors).toBeUndefined();
    const { errors } = await all.gateway.query(pages(21), { id });
    expect(errors).toMatchObject([
      {
        message: '`rows` gives at most 20 pages in one operation.',
        path: ['reportRun', 'result', 'file', 'p20'],
        extensions: { code: 'BAD_USER_INPUT' },
      },
    ]);
  });

  test('has at most 16 million characters of rows, however it names them', async () => {
    const all = await given();
    const long = await runWith(all, `a\n${`${'x'.repeat(3_000)}\n`.repeat(1_000)}`);
    const named = await runWith(all, `${'h'.repeat(30_000)},b\n${'1,2\n'.repeat(1_000)}`);
    const ask = (id: string, fields: string) =>
      all.gateway.query(
        `query ($id: ID!) { reportRun(id: $id) { result { file { rows(first: 1000) { ${fields} } } } } }`,
        { id },
      );
    const refused = [{ path: expect.anything(), extensions: { code: 'BAD_USER_INPUT' } }];
    expect((await ask(long, 'nodes { cells a: cells b: cells c: cells d: cells }')).errors).toBeUndefined();
    const { data, errors } = await ask(
      long,
      'nodes { cells a: cells b: cells } edges { node { cells a: cells values } }',
    );
    expect(errors).toMatchObject(refused);
    expect(errors?.[0]?.message).toMatch(/at most 16000000 characters/);
    expect(data).toMatchObject({ reportRun: { result: { file: { rows: null } } } });
    expect((await ask(named, 'nodes { cells }')).errors).toBeUndefined();
    expect((await ask(named, 'nodes { values }')).errors).toMatchObject(refused);
  });
});

test('a subscription has as many pages for each of its events', async () => {
  const all = await given();
  const made = { account: 'acct_test', api: 'V1', count: 22, status: 'pending' };
  const { ids } = await all.sandbox.control<{ ids: string[] }>('POST', 'runs', made);
  const socket = createClient({ url: all.gateway.url.replace('http', 'ws'), webSocketImpl: WebSocket });
  onTestFinished(() => void socket.dispose());
  const query =
    'subscription { reportRunsUpdated { id status result { file { rows(first: 1) { nodes { cells } } } } } }';
  const events: unknown[] = [];
  socket.subscribe(
    { query },
    { next: (event) => events.push(event), error: (error) => events.push({ error }), complete: () => {} },
  );
  await until(async () => (await all.gateway.services.runs.count({})) !== null);
  for (const id of ids) {
    await all.sandbox.control('POST', `runs/${id}/file`, { text: CSV });
    await all.sandbox.control('POST', `runs/${id}/finish`, { outcome: 'succeeded' });
  }
  const succeeded = () => events.filter((event) => JSON.stringify(event).includes('SUCCEEDED'));
  await until(() => succeeded().length >= ids.length, 25_000);
  for (const event of succeeded()) {
    expect(event).toMatchObject({
      data: { reportRunsUpdated: { result: { file: { rows: { nodes: [{ cells: ['1', '2'] }] } } } } },
    });
  }
});

describe('a file that has no rows to give', () => {
  const refused = (message: RegExp) => ({
    code: 'ROWS_UNAVAILABLE',
    message: expect.stringMatching(message),
  });

  test('because of its type is refused', async () => {
    const all = await given();
    const id = await runOf(all);
    const result = { id: 'file_1', object: 'file', size: 10, type: 'pdf' };
    await all.sandbox.control('POST', `runs/${id}/overlay`, { result });
    expect(await refusalOf(all, id)).toMatchObject(refused(/neither CSV nor a ZIP/));
  });

  test.each([
    ['is none', Buffer.from(CSV), /not a ZIP that can be read/],
    ['has no CSV', zipOf({ name: 'a.txt', content: CSV }), /holds no CSV file/],
    [
      'has two CSV files',
      zipOf({ content: CSV }, { name: 'b.csv', content: CSV }),
      /holds several CSV files/,
    ],
  ])('because its ZIP %s is refused', async (_name, file, message) => {
    const all = await given();
    const id = await runWith(all, file, { api: 'V2', contentType: 'zip' });
    expect(await refusalOf(all, id, { first: 100 })).toMatchObject(refused(message));
  });
});

test.each(['V1', 'V2'] as const)(
  'no answer and no log has a key or an upstream URL of %s, whatever the upstream says',
  async (api) => {
    const logTo = new PassThrough();
    const log: string[] = [];
    logTo.on('data', (line) => log.push(String(line)));
    const all = await given({ logTo });
    const id = await runWith(all, CSV, { api });
    await refusalOf(all, id, { first: 0 });
    const path = api === 'V1' ? '/v1/files/*' : '/blob/*';
    for (const status of [302, 400, 401, 403, 404, 429, 500]) {
      const headers = { location: `${all.sandbox.origin}/elsewhere?key=sk_test_test` };
      const body = { error: { message: `sk_test_test at ${all.sandbox.origin}`, type: 'api_error' } };
      await all.sandbox.control('POST', 'faults', { kind: 'error', path, status, body, headers, times: 2 });
      const answer = await refusalOf(all, id);
      await all.sandbox.control('DELETE', 'faults');
      expect(answer.message).not.toBe('');
      expect(JSON.stringify(answer)).not.toMatch(/sk_test|http:|127\.0\.0\.1|\/blob\/|\/v1\//);
    }
    expect(log.join('')).not.toMatch(/sk_test|\/blob\/|contents/);
  },
);
