import { expect, test } from 'vitest';
import { startTestGateway } from '../support/gateway.js';
import {
  ask,
  caughtUp,
  codeOf,
  ledgerFile,
  make,
  openGateway,
  openSandbox,
  type Paging,
  page,
} from './support.js';

test('what cannot be meant is BAD_USER_INPUT, and costs no request', async () => {
  const sandbox = await openSandbox();
  await make(sandbox, { api: 'V1', count: 9, createdAt: Date.now() - 60_000, spacingMs: 1_000 });
  const gateway = await openGateway(sandbox);
  await caughtUp(gateway, 9);
  const { endCursor } = (await page(gateway, { first: 3 })).pageInfo;
  const filtered = (await page(gateway, { first: 3, filter: { api: 'V1' } })).pageInfo.endCursor;
  const other = await startTestGateway({
    upstream: sandbox.origin,
    apiKey: 'sk_test_other',
    ledgerFile: ledgerFile(),
  });
  await make(sandbox, { account: 'acct_other', api: 'V1', count: 3, createdAt: Date.now() - 60_000 });
  const foreign = (await page(other, { first: 3 })).pageInfo.endCursor;
  await other.close();
  const connection = Buffer.from(endCursor ?? '', 'base64url')
    .toString()
    .replace('reportRuns', 'somethingElse');
  const at = '2026-01-01T00:00:00Z';
  const wrong: readonly Paging[] = [
    { first: -1 },
    { last: -1 },
    { first: 101 },
    { last: 101 },
    { first: 1, last: 1 },
    { after: '' },
    { after: 'garbage' },
    { before: `${endCursor}=` },
    { after: `${endCursor?.slice(0, -2)}` },
    { after: Buffer.from(connection).toString('base64url') },
    { after: filtered },
    { after: endCursor, filter: { api: 'V1' } },
    { after: foreign },
    { filter: { status: [] } },
    { filter: { reportType: ['no type'] } },
    { filter: { createdAt: { start: at, end: at } } },
    { filter: { createdAt: { start: at, end: '2025-12-31T23:59:59Z' } } },
  ];
  await sandbox.control('DELETE', 'requests');
  const codes = await Promise.all(wrong.map(async (paging) => codeOf(await ask(gateway, paging))));
  expect(codes).toEqual(wrong.map(() => 'BAD_USER_INPUT'));
  expect(await sandbox.requests()).toEqual([]);
  expect(foreign).not.toBeNull();
});

test('a cursor still means its place after the gateway was started again', async () => {
  const sandbox = await openSandbox();
  const file = ledgerFile();
  await make(sandbox, { api: 'V1', count: 150, createdAt: Date.now() - 60_000, spacingMs: 1_000 });
  const first = await openGateway(sandbox, file);
  await caughtUp(first, 150);
  const { edges, pageInfo } = await page(first, { first: 50 });
  await first.close();
  const second = await openGateway(sandbox, file);
  const after = await page(second, { first: 10, after: pageInfo.endCursor });
  const before = await page(second, { last: 50, before: after.pageInfo.startCursor });
  expect(before.edges).toEqual(edges);
  expect(before.pageInfo).toMatchObject({ hasNextPage: true, hasPreviousPage: false });
});

test('a cursor from far down means its place to a ledger that has not come so far', async () => {
  const sandbox = await openSandbox();
  const made = await make(sandbox, {
    api: 'V1',
    count: 1_050,
    createdAt: Date.now() - 60_000,
    spacingMs: 1_000,
  });
  const first = await openGateway(sandbox);
  await page(first, { first: 1 });
  let cursor: string | null = null;
  for (let seen = 0; seen < 900; seen += 100)
    cursor = (await page(first, { first: 100, after: cursor })).pageInfo.endCursor;
  await first.close();
  const second = await openGateway(sandbox);
  const found: string[] = [];
  for (let more = true; more; ) {
    const { edges, pageInfo } = await page(second, { first: 100, after: cursor });
    found.push(...edges.map(({ node }) => node.id));
    cursor = pageInfo.endCursor;
    more = pageInfo.hasNextPage;
  }
  expect(found).toEqual(made.slice(900));
});
