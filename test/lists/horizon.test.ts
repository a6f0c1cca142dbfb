import { expect, test } from 'vitest';
import type { TestSandbox } from '../support/sandbox.js';
import {
  ask,
  codeOf,
  idsOf,
  make,
  openGateway,
  openSandbox,
  page,
  totalCount,
  truth,
  until,
} from './support.js';
import { walkBackward, walkForward } from './walk.js';

const LIST = '/v1/reporting/report_runs';
const MINUTE = 60_000;

/** So many that the backfill needs many seconds for them. */
async function openLongHistory(): Promise<TestSandbox> {
  const sandbox = await openSandbox();
  const now = Date.now();
  await make(sandbox, { api: 'V1', count: 1_599, createdAt: now - MINUTE, spacingMs: MINUTE });
  await make(sandbox, { api: 'V1', count: 1, createdAt: now - 1_601 * MINUTE, status: 'failed' });
  return sandbox;
}

test('a read looks a little beyond the horizon, says how far, and the next goes on from there to the end', async () => {
  const sandbox = await openLongHistory();
  const gateway = await openGateway(sandbox);
  const filter = { status: ['FAILED'] };
  const first = await page(gateway, { first: 10, filter });
  expect(first.edges).toEqual([]);
  expect(first.pageInfo).toMatchObject({ hasNextPage: true, hasPreviousPage: false });
  // One page at the start, five for the read, and what the backfill took meanwhile.
  const pages = (await sandbox.requests()).filter(({ path }) => path === LIST);
  expect(pages.length).toBeLessThanOrEqual(9);
  const rest = await walkForward(gateway, [10], { filter, from: first.pageInfo.endCursor });
  expect(idsOf(rest.nodes)).toEqual([(await truth(sandbox)).at(-1)?.id]);
  expect(rest.pages.length).toBeGreaterThan(1);
  expect(rest.pages.at(-1)?.pageInfo).toMatchObject({ hasNextPage: false, hasPreviousPage: false });
});

test('the far end and the number are unknown until the history is, and then right', async () => {
  const sandbox = await openLongHistory();
  const gateway = await openGateway(sandbox);
  expect(codeOf(await ask(gateway, { last: 5 }))).toBe('HISTORY_INCOMPLETE');
  expect(await totalCount(gateway)).toBeNull();
  expect(await totalCount(gateway, { api: 'V2' })).toBe(0);
  const ids = idsOf(await truth(sandbox));
  expect(idsOf((await walkForward(gateway, [100, 60])).nodes)).toEqual(ids);
  expect(await totalCount(gateway)).toBe(1_600);
  const last = await page(gateway, { last: 5 });
  expect(last.edges.map(({ node }) => node.id)).toEqual(ids.slice(-5));
  expect(last.pageInfo).toMatchObject({ hasNextPage: false, hasPreviousPage: true });
});

test('runs known by their id far below the horizon are nobody’s neighbours before their time', async () => {
  const sandbox = await openLongHistory();
  const gateway = await openGateway(sandbox);
  const ids = idsOf(await truth(sandbox));
  const known = [900, 901, 1_300, 1_599].map((index) => ids[index]);
  const found = await gateway.query<{ nodes: ({ id: string } | null)[] }>(
    'query($ids: [ID!]!) { nodes(ids: $ids) { id } }',
    { ids: known },
  );
  expect(found.data?.nodes.map((node) => node?.id)).toEqual(known);
  const walk = await walkForward(gateway, [90]);
  expect(idsOf(walk.nodes)).toEqual(ids);
  const middle = walk.pages[12]?.edges[0]?.cursor ?? null;
  const up = await walkBackward(gateway, [100], { from: middle });
  expect(idsOf(up.nodes)).toEqual(ids.slice(0, ids.indexOf(walk.pages[12]?.edges[0]?.node.id ?? '')));
});

test('a range far below the horizon is read by itself, and the horizon stays', async () => {
  const sandbox = await openLongHistory();
  const gateway = await openGateway(sandbox);
  const runs = await truth(sandbox);
  const [newest, oldest] = [runs[1_200]?.created ?? 0, runs[1_400]?.created ?? 0];
  const filter = {
    createdAt: { start: new Date(oldest).toISOString(), end: new Date(newest + 1).toISOString() },
  };
  const walk = await walkForward(gateway, [30, 80], { filter });
  expect(idsOf(walk.nodes)).toEqual(idsOf(runs.slice(1_200, 1_401)));
  const deep = { status: ['FAILED'], createdAt: { end: new Date(newest + 1).toISOString() } };
  const oldestOfAll = (await walkForward(gateway, [100], { filter: deep })).nodes;
  expect(idsOf(oldestOfAll)).toEqual([runs.at(-1)?.id]);
  const ranges = (await sandbox.requests()).filter(
    ({ path, query }) => path === LIST && query.includes('created['),
  );
  expect(ranges.length).toBeGreaterThan(0);
  expect(ranges.some(({ query }) => query.includes(`created[gte]=${oldest / 1000}`))).toBe(true);
  expect(await totalCount(gateway)).toBeNull();
  // What the range brought does not count as the history around it.
  expect(codeOf(await ask(gateway, { last: 1 }))).toBe('HISTORY_INCOMPLETE');
});

test('a second with more runs than five of Stripe’s pages can hold is passed', async () => {
  const sandbox = await openSandbox();
  await make(sandbox, { api: 'V1', count: 820, createdAt: Date.now() - 10 * MINUTE });
  await make(sandbox, { api: 'V1', count: 30, createdAt: Date.now() - 20 * MINUTE, spacingMs: 900 });
  const gateway = await openGateway(sandbox);
  expect(idsOf((await walkForward(gateway, [100])).nodes)).toEqual(idsOf(await truth(sandbox)));
});

test('a full page says that nothing follows only once that is known', async () => {
  const sandbox = await openSandbox();
  const now = Date.now();
  await make(sandbox, { api: 'V1', count: 1, createdAt: now - MINUTE, status: 'failed' });
  await make(sandbox, { api: 'V1', count: 499, createdAt: now - 2 * MINUTE, spacingMs: MINUTE });
  const gateway = await openGateway(sandbox);
  const { edges, pageInfo } = await page(gateway, { first: 1, filter: { status: ['FAILED'] } });
  expect(edges).toHaveLength(1);
  expect(pageInfo.hasNextPage).toBe(false);
});

test('the far end of v2 is unknown while runs are known by their ids only', async () => {
  const sandbox = await openSandbox();
  await make(sandbox, { api: 'V2', count: 20, createdAt: Date.now() - MINUTE, spacingMs: 1_000 });
  const gateway = await openGateway(sandbox);
  const filter = { api: 'V2' };
  expect(codeOf(await ask(gateway, { last: 1, filter }))).toBe('HISTORY_INCOMPLETE');
  expect(await totalCount(gateway, filter)).toBeNull();
  await until(
    () => totalCount(gateway, filter),
    (known) => known === 20,
  );
  const { edges } = await page(gateway, { last: 1, filter });
  expect(edges.map(({ node }) => node.id)).toEqual([(await truth(sandbox)).at(-1)?.id]);
});
