import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { GatewayError } from '../../src/models/errors.js';
import type { RunFilter } from '../../src/models/run-page.js';
import { decodeCursor, encodeCursor } from '../../src/resolvers/cursor.js';

const positions = fc.record({
  createdAt: fc.nat({ max: 8.64e15 }),
  id: fc.oneof(fc.constant(''), fc.stringMatching(/^(frr|reprun)_[A-Za-z0-9_]{1,40}$/)),
});
const statuses = fc.uniqueArray(
  fc.constantFrom('RUNNING' as const, 'SUCCEEDED' as const, 'FAILED' as const),
  {
    minLength: 1,
  },
);
const filters: fc.Arbitrary<RunFilter> = fc.record(
  {
    api: fc.constantFrom('V1' as const, 'V2' as const),
    status: statuses,
    reportType: fc.uniqueArray(fc.stringMatching(/^[a-z]{1,9}\.1$/), { minLength: 1, maxLength: 3 }),
    createdFrom: fc.nat(),
    createdBefore: fc.nat(),
  },
  { requiredKeys: [] },
);
const scopes = fc.record({
  connection: fc.constantFrom('reportRuns', 'rows'),
  account: fc.constantFrom('acct_1:test', 'acct_1:live', 'acct_2:test'),
  filter: filters,
});

test('a cursor gives back the position it was made of', () => {
  fc.assert(
    fc.property(scopes, positions, (scope, position) => {
      expect(decodeCursor(scope, 'after', encodeCursor(scope, position))).toEqual(position);
    }),
  );
});

test('a filter that lets the same runs through, written in another order, keeps its cursors', () => {
  const cursor = encodeCursor(
    scopeOf({ status: ['FAILED', 'RUNNING'], reportType: ['a.1', 'b.1'] }),
    position,
  );
  const same = scopeOf({ status: ['RUNNING', 'FAILED', 'FAILED'], reportType: ['b.1', 'a.1'] });
  expect(decodeCursor(same, 'after', cursor)).toEqual(position);
});

test('a cursor of another connection, account or filter is refused', () => {
  fc.assert(
    fc.property(scopes, scopes, positions, (made, used, position) => {
      fc.pre(JSON.stringify(normal(made)) !== JSON.stringify(normal(used)));
      expect(() => decodeCursor(used, 'before', encodeCursor(made, position))).toThrow(GatewayError);
    }),
  );
});

test('a cursor with any character changed, added or taken away is refused', () => {
  fc.assert(
    fc.property(scopes, positions, fc.nat(), fc.string({ maxLength: 2 }), fc.nat({ max: 1 }), (...drawn) => {
      const [scope, position, place, put, taken] = drawn;
      const cursor = encodeCursor(scope, position);
      const index = place % (cursor.length + 1);
      const altered = cursor.slice(0, index) + put + cursor.slice(index + taken);
      fc.pre(altered !== cursor);
      expect(() => decodeCursor(scope, 'after', altered)).toThrow(GatewayError);
    }),
    { numRuns: 500 },
  );
});

test('the refusal says what is wrong', () => {
  const cursor = encodeCursor(scopeOf({}), position);
  const why = (scope: Parameters<typeof decodeCursor>[0], given = cursor) => {
    try {
      return decodeCursor(scope, 'after', given);
    } catch (error) {
      return error instanceof GatewayError && `${error.code}: ${error.message}`;
    }
  };
  expect(why(scopeOf({}), 'garbage')).toBe(
    'BAD_USER_INPUT: `after` is not a cursor of this gateway: "garbage".',
  );
  expect(why(scopeOf({}), '')).toBe('BAD_USER_INPUT: `after` is not a cursor of this gateway: "".');
  expect(why({ ...scopeOf({}), connection: 'rows' })).toContain('is a cursor of `reportRuns`, not of `rows`');
  expect(why({ ...scopeOf({}), account: 'acct_1:live' })).toContain('another Stripe account or mode');
  expect(why(scopeOf({ api: 'V1' }))).toContain('another `filter`');
});

const position = { createdAt: 1_790_000_000_000, id: 'frr_1' };

function scopeOf(filter: RunFilter) {
  return { connection: 'reportRuns', account: 'acct_1:test', filter };
}

function normal({ connection, account, filter }: { connection: string; account: string; filter: RunFilter }) {
  const { api, status, reportType, createdFrom, createdBefore } = filter;
  return [connection, account, api, status?.toSorted(), reportType?.toSorted(), createdFrom, createdBefore];
}
