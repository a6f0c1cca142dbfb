import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import type { TestGateway } from '../support/gateway.js';
import type { TestSandbox } from '../support/sandbox.js';
import {
  caughtUp,
  idsOf,
  make,
  openGateway,
  openSandbox,
  page,
  sleep,
  type TrueRun,
  truth,
} from './support.js';
import { walkBackward, walkForward } from './walk.js';

const HOUR = 3_600_000;

/** A history with crowds of one second, more than a page of Stripe's list among them, of both APIs. */
async function openHistory(): Promise<{ sandbox: TestSandbox; gateway: TestGateway }> {
  const sandbox = await openSandbox();
  const createdAt = Date.now() - HOUR;
  await make(sandbox, { api: 'V1', count: 130, createdAt });
  await make(sandbox, { api: 'V2', count: 6, createdAt });
  await make(sandbox, { api: 'V1', count: 40, createdAt: createdAt - 1_000, status: 'failed' });
  await make(sandbox, {
    api: 'V1',
    count: 60,
    createdAt: createdAt - HOUR,
    spacingMs: 400,
    type: 'payouts.summary.1',
  });
  await make(sandbox, {
    api: 'V2',
    count: 6,
    createdAt: createdAt - HOUR,
    spacingMs: 3_333,
    status: 'failed',
  });
  const gateway = await openGateway(sandbox);
  await caughtUp(gateway, 242);
  return { sandbox, gateway };
}

const sizes = fc
  .array(fc.integer({ min: 1, max: 100 }), { minLength: 1, maxLength: 4 })
  .map((some) => [...some, 60]);

test('walks of any page sizes give all runs in order, forward and backward', async () => {
  const { sandbox, gateway } = await openHistory();
  const ids = idsOf(await truth(sandbox));
  await fc.assert(
    fc.asyncProperty(sizes, async (some) => {
      const forward = await walkForward(gateway, some);
      expect(idsOf(forward.nodes)).toEqual(ids);
      const backward = await walkBackward(gateway, some);
      expect(idsOf(backward.nodes)).toEqual(ids);
      expect(forward.pages.map(({ pageInfo }) => pageInfo.hasPreviousPage)).toEqual(
        forward.pages.map((_, index) => index > 0),
      );
      expect(backward.pages.map(({ pageInfo }) => pageInfo.hasNextPage)).toEqual(
        backward.pages.map((_, index) => index > 0),
      );
    }),
    { numRuns: 8, examples: [[[1, 100]], [[100]]], interruptAfterTimeLimit: 10_000 },
  );
});

test('every page has the runs its filter lets through, and says exactly what is on its two sides', async () => {
  const { sandbox, gateway } = await openHistory();
  const runs = await truth(sandbox);
  const end = Date.now() - HOUR;
  const filter = fc.record(
    {
      api: fc.constantFrom('V1', 'V2'),
      status: fc.subarray(['RUNNING', 'SUCCEEDED', 'FAILED'], { minLength: 1 }),
      reportType: fc.subarray(['balance.summary.1', 'payouts.summary.1', ...typesV2(runs)], { minLength: 1 }),
      createdAt: fc.constantFrom(
        { start: iso(end - 5_000) },
        { end: iso(end) },
        { start: iso(end - HOUR - 10_000), end: iso(end - HOUR + 500) },
      ),
    },
    { requiredKeys: [] },
  );
  const place = fc.record({
    filter,
    at: fc.double({ min: 0, max: 0.999, noNaN: true }),
    size: fc.integer({ min: 0, max: 100 }),
    isForward: fc.boolean(),
  });
  await fc.assert(
    fc.asyncProperty(place, async ({ filter: by, at, size, isForward }) => {
      const matching = idsOf(runs.filter((run) => isIn(run, by)));
      const all = await walkForward(gateway, [100], { filter: by });
      expect(idsOf(all.nodes)).toEqual(matching);
      const index = Math.floor(at * matching.length);
      const cursor = all.pages.flatMap(({ edges }) => edges)[index]?.cursor;
      if (cursor === undefined) return;
      const found = await page(
        gateway,
        isForward ? { filter: by, first: size, after: cursor } : { filter: by, last: size, before: cursor },
      );
      const [from, to] = isForward ? [index + 1, index + 1 + size] : [Math.max(0, index - size), index];
      expect(idsOf(found.edges.map(({ node }) => node))).toEqual(matching.slice(from, to));
      expect(found.pageInfo.hasNextPage).toBe(to < matching.length);
      expect(found.pageInfo.hasPreviousPage).toBe(from > 0);
      expect(found.pageInfo.startCursor).toBe(found.edges[0]?.cursor ?? null);
      expect(found.pageInfo.endCursor).toBe(found.edges.at(-1)?.cursor ?? null);
    }),
    { numRuns: 60, interruptAfterTimeLimit: 10_000 },
  );
});

test('a walk is exact for the runs that were there when its first page was read', async () => {
  const { sandbox, gateway } = await openHistory();
  const more = fc.array(
    fc.record({ api: fc.constantFrom('V1' as const, 'V2' as const), count: fc.integer({ min: 1, max: 30 }) }),
    { maxLength: 6 },
  );
  await fc.assert(
    fc.asyncProperty(sizes, more, async (some, created) => {
      const before = new Set(idsOf(await truth(sandbox)));
      // A read a second old is as good as a new one.
      await sleep(1_050);
      const start = Date.now();
      const seen = await walkForward(gateway, some, {
        between: async (number) => {
          const one = created[number - 1];
          if (one !== undefined) await make(sandbox, { ...one, createdAt: start });
        },
      });
      const ids = idsOf(seen.nodes);
      expect(new Set(ids).size).toBe(ids.length);
      const expected = idsOf(await truth(sandbox)).filter((id) => before.has(id));
      // v2's runs are read one by one: those made in the last walk may still be on their way.
      const found = new Set(ids);
      const isDue = (id: string): boolean => id.startsWith('frr_') || found.has(id);
      expect(ids.filter((id) => before.has(id))).toEqual(expected.filter(isDue));
    }),
    { numRuns: 2, interruptAfterTimeLimit: 10_000 },
  );
});

function typesV2(runs: readonly TrueRun[]): string[] {
  return [...new Set(runs.filter(({ api }) => api === 'V2').map(({ type }) => type))];
}

function iso(time: number): string {
  return new Date(time).toISOString();
}

interface Filter {
  readonly api?: string;
  readonly status?: readonly string[];
  readonly reportType?: readonly string[];
  readonly createdAt?: { readonly start?: string; readonly end?: string };
}

function isIn({ api, status, type, created }: TrueRun, by: Filter): boolean {
  return (
    (by.api === undefined || by.api === api) &&
    (by.status === undefined || by.status.includes(status.toUpperCase())) &&
    (by.reportType === undefined || by.reportType.includes(type)) &&
    (by.createdAt?.start === undefined || created >= Date.parse(by.createdAt.start)) &&
    (by.createdAt?.end === undefined || created < Date.parse(by.createdAt.end))
  );
}
