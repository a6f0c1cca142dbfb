import { expect, test } from 'vitest';
import { GatewayError } from '../../src/models/errors.js';
import type { RunPage, RunPageRequest } from '../../src/models/run-page.js';
import { CREATED, contextFor, execute, runV1, runV2, services } from './support.js';

const EMPTY: RunPage = { runs: [], hasNextPage: false, hasPreviousPage: false, lookedUntil: null };
const PAGE = `query ($first: Int, $after: String, $last: Int, $before: String, $filter: ReportRunFilter) {
  reportRuns(first: $first, after: $after, last: $last, before: $before, filter: $filter) {
    edges { cursor node { id } }
    nodes { id }
    pageInfo { hasNextPage hasPreviousPage startCursor endCursor }
  }
}`;

/** Services whose pages are given, and what they were asked for. */
function listing(page: RunPage = EMPTY, account = 'acct_1:test') {
  const requests: RunPageRequest[] = [];
  const given = services({
    account,
    runs: {
      page: async (request) => {
        requests.push(request);
        return page;
      },
    },
  });
  return { given, requests };
}

async function requested(variables: Record<string, unknown>): Promise<RunPageRequest | undefined> {
  const { given, requests } = listing();
  const { errors } = await execute(given, PAGE, variables);
  expect(errors).toEqual([]);
  return requests[0];
}

async function refusal(variables: Record<string, unknown>, account?: string): Promise<string> {
  const { given, requests } = listing(EMPTY, account);
  const { data, errors } = await execute(given, PAGE, variables);
  expect(requests).toEqual([]);
  expect(data?.reportRuns ?? null).toBeNull();
  return errors.map(({ code, message }) => `${code}: ${message}`).join('\n');
}

async function cursors(variables: Record<string, unknown> = {}, account?: string): Promise<string[]> {
  const { given } = listing({ ...EMPTY, runs: [runV2('reprun_2'), runV1('frr_1')] }, account);
  const { data } = await execute(given, PAGE, variables);
  return data.reportRuns.edges.map((edge: { cursor: string }) => edge.cursor);
}

test('a page has its runs as edges and nodes, its own flags, and the cursors of its ends', async () => {
  const { given } = listing({ ...EMPTY, runs: [runV2('reprun_2'), runV1('frr_1')], hasPreviousPage: true });
  const { data, errors } = await execute(given, PAGE);
  const { edges, nodes, pageInfo } = data.reportRuns;
  expect(errors).toEqual([]);
  expect(nodes).toEqual([{ id: 'reprun_2' }, { id: 'frr_1' }]);
  expect(edges.map((edge: { node: unknown }) => edge.node)).toEqual(nodes);
  expect(pageInfo).toEqual({
    hasNextPage: false,
    hasPreviousPage: true,
    startCursor: edges[0].cursor,
    endCursor: edges[1].cursor,
  });
});

test('a page that looked further than its last run ends where it looked, even without any run', async () => {
  const lookedUntil = { createdAt: CREATED - 5000, id: '' };
  for (const runs of [[], [runV1('frr_1')]]) {
    const { given } = listing({ ...EMPTY, runs, hasNextPage: true, lookedUntil });
    const { data } = await execute(given, PAGE);
    const { endCursor, hasNextPage } = data.reportRuns.pageInfo;
    expect(hasNextPage).toBe(true);
    expect(await requested({ after: endCursor })).toMatchObject({ after: lookedUntil });
  }
});

test('an empty page has no cursors', async () => {
  const { data } = await execute(listing().given, PAGE);
  expect(data.reportRuns.pageInfo).toMatchObject({ startCursor: null, endCursor: null });
});

test('paging arguments become a page forward or backward', async () => {
  const [newer = '', older = ''] = await cursors();
  const newerPosition = { createdAt: CREATED, id: 'reprun_2' };
  const olderPosition = { createdAt: CREATED, id: 'frr_1' };
  const forward = { filter: {}, direction: 'forward', limit: 20, after: null, before: null };
  expect(await requested({})).toEqual(forward);
  expect(await requested({ first: null, after: null, last: null, before: null, filter: null })).toEqual(
    forward,
  );
  expect(await requested({ first: 0 })).toEqual({ ...forward, limit: 0 });
  expect(await requested({ first: 100, after: newer })).toEqual({
    ...forward,
    limit: 100,
    after: newerPosition,
  });
  expect(await requested({ first: 3, before: older })).toEqual({
    ...forward,
    limit: 3,
    before: olderPosition,
  });
  expect(await requested({ after: newer, before: older })).toEqual({
    ...forward,
    after: newerPosition,
    before: olderPosition,
  });
  const backward = { ...forward, direction: 'backward' };
  expect(await requested({ last: 5 })).toEqual({ ...backward, limit: 5 });
  expect(await requested({ last: 5, before: older })).toEqual({
    ...backward,
    limit: 5,
    before: olderPosition,
  });
  expect(await requested({ last: 5, after: newer })).toEqual({ ...backward, limit: 5, after: newerPosition });
  expect(await requested({ before: older })).toEqual({ ...backward, before: olderPosition });
});

test('paging arguments out of bounds or at odds are refused by name and value', async () => {
  expect(await refusal({ first: -1 })).toBe('BAD_USER_INPUT: `first` must be between 0 and 100, but is -1.');
  expect(await refusal({ first: 101 })).toBe(
    'BAD_USER_INPUT: `first` must be between 0 and 100, but is 101.',
  );
  expect(await refusal({ last: -1 })).toBe('BAD_USER_INPUT: `last` must be between 0 and 100, but is -1.');
  expect(await refusal({ last: 101 })).toBe('BAD_USER_INPUT: `last` must be between 0 and 100, but is 101.');
  expect(await refusal({ first: 1, last: 2 })).toBe(
    'BAD_USER_INPUT: `first` (1) and `last` (2) exclude each other: give one of them.',
  );
});

test('a cursor works for its own account and filter only', async () => {
  const [cursor] = await cursors({ filter: { api: 'V1' } });
  expect(await requested({ after: cursor, filter: { api: 'V1' } })).toMatchObject({
    after: { id: 'reprun_2' },
  });
  expect(await refusal({ after: cursor })).toMatch(/^BAD_USER_INPUT: `after` .* another `filter`/);
  expect(await refusal({ before: cursor, filter: { api: 'V2' } })).toMatch(
    /^BAD_USER_INPUT: `before` .*`filter`/,
  );
  expect(await refusal({ after: cursor, filter: { api: 'V1' } }, 'acct_1:live')).toMatch(
    /another Stripe account/,
  );
  expect(await refusal({ after: '' })).toMatch(
    /^BAD_USER_INPUT: `after` is not a cursor of this gateway: ""/,
  );
  expect(await refusal({ before: 'frr_1' })).toMatch(
    /^BAD_USER_INPUT: `before` is not a cursor of this gateway/,
  );
});

test('a filter is handed on with its times in milliseconds', async () => {
  const filter = {
    api: 'V2',
    status: ['RUNNING', 'FAILED'],
    reportType: ['balance.summary.1', 'report_fees'],
    createdAt: { start: '2026-01-01T00:00:00Z', end: '2026-01-01T01:00:00.001+01:00' },
  };
  expect((await requested({ filter }))?.filter).toEqual({
    api: 'V2',
    status: ['RUNNING', 'FAILED'],
    reportType: ['balance.summary.1', 'report_fees'],
    createdFrom: Date.parse('2026-01-01T00:00:00Z'),
    createdBefore: Date.parse('2026-01-01T00:00:00.001Z'),
  });
  expect(
    (await requested({ filter: { api: null, status: null, createdAt: { start: null } } }))?.filter,
  ).toEqual({});
});

test('a filter that can only be a mistake is refused', async () => {
  const at = (start: string, end: string) => ({ filter: { createdAt: { start, end } } });
  expect(await refusal(at('2026-01-02T00:00:00Z', '2026-01-01T00:00:00Z'))).toBe(
    'BAD_USER_INPUT: `filter.createdAt.end` must be after its start 2026-01-02T00:00:00.000Z, which is included, but is 2026-01-01T00:00:00.000Z, which is not.',
  );
  expect(await refusal(at('2026-01-01T00:00:00Z', '2026-01-01T00:00:00Z'))).toMatch(/^BAD_USER_INPUT/);
  expect(await refusal({ filter: { status: [] } })).toMatch(
    /^BAD_USER_INPUT: `filter\.status` is an empty list/,
  );
  expect(await refusal({ filter: { reportType: [] } })).toMatch(
    /^BAD_USER_INPUT: `filter\.reportType` is an empty/,
  );
  expect(await refusal({ filter: { reportType: ['balance.summary.1', 'balance summary'] } })).toMatch(
    /^BAD_USER_INPUT: `filter\.reportType` takes .* but has "balance summary"\.$/,
  );
  expect(await refusal({ filter: { reportType: Array.from({ length: 101 }, () => 'a.1') } })).toMatch(
    /at most 100/,
  );
});

test('totalCount is counted with the filter of the list, and only if it is asked for', async () => {
  const counted: unknown[] = [];
  const given = services({
    runs: {
      page: async () => EMPTY,
      count: async (filter) => {
        counted.push(filter);
        return null;
      },
    },
  });
  await execute(given, '{ reportRuns(filter: { api: V1 }) { nodes { id } } }');
  expect(counted).toEqual([]);
  const { data, errors } = await execute(given, '{ reportRuns(filter: { api: V1 }) { totalCount } }');
  expect(data.reportRuns).toEqual({ totalCount: null });
  expect(errors).toEqual([]);
  expect(counted).toEqual([{ api: 'V1' }]);
});

test('a list asks for the state of the upstream to be reported, a look-up does not', async () => {
  const { given } = listing();
  const list = contextFor(given);
  await execute(given, PAGE, {}, list);
  expect(list.reportUpstream).toBe(true);
  const lookUp = contextFor(services({ runs: { read: async () => [null] } }));
  await execute(lookUp.services, '{ reportRun(id: "frr_1") { id } }', {}, lookUp);
  expect(lookUp.reportUpstream).toBe(false);
});

test('what the service refuses reaches the client with its code', async () => {
  const given = services({
    runs: { page: () => Promise.reject(new GatewayError('HISTORY_INCOMPLETE', 'Not all is read yet.')) },
  });
  const { data, errors } = await execute(given, PAGE, { last: 5 });
  expect(data).toEqual({ reportRuns: null });
  expect(errors).toMatchObject([
    { code: 'HISTORY_INCOMPLETE', message: 'Not all is read yet.', path: 'reportRuns' },
  ]);
});
