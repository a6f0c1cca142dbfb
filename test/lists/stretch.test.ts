import * as fc from 'fast-check';
import { expect, inject, test } from 'vitest';
import { UpstreamError } from '../../src/models/errors.js';
import { type Bench, openBench, refuseAfter, shown } from './stretch-support.js';
import { sleep } from './support.js';

/** What can happen to a list and to those who read it. Times are ms. */
const step = fc.oneof(
  fc.record({ kind: fc.constant('pass' as const), ms: fc.constantFrom(1, 900, 20_000, 61_000) }),
  fc.record({
    kind: fc.constant('create' as const),
    count: fc.constantFrom(1, 3, 99, 100, 101, 250),
    spread: fc.constantFrom(0, 0, 5_000, 29_000),
    late: fc.constantFrom(0, 0, 1_000, 30_000),
  }),
  fc.record({
    kind: fc.constant('odd' as const),
    how: fc.nat(5),
    which: fc.double({ min: 0, max: 0.999, noNaN: true }),
  }),
  fc.record({ kind: fc.constant('refuse' as const), after: fc.nat(2) }),
  fc.record({
    kind: fc.constant('work' as const),
    what: fc.constantFrom('r', 'e', 'er', 're', 'eer', 'rree'),
  }),
  fc.record({ kind: fc.constant('restart' as const) }),
);
type Step = typeof step extends fc.Arbitrary<infer T> ? T : never;

/** Ways to break a run; null breaks its id, so that it cannot even be named. */
const ODD = [
  { status: 'queued' },
  { status: 'queued', created: 1 },
  { created: 'yesterday' },
  { id: 'an odd id' },
  { id: null },
  { object: 'something.else', created: 9_999_999_999 },
];

test('whatever happens, all that lists showed above the floor is in the ledger', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.tuple(fc.constantFrom(1, 40, 101, 230), fc.constantFrom(0, 30_000, 3_600_000)), {
        maxLength: 3,
      }),
      fc.array(step, { minLength: 1, maxLength: 14 }),
      async (history, steps) => {
        const bench = await openBench();
        for (const [count, spread] of history) await bench.create(count, 61_000, spread, 0);
        let refreshedAt: number | null = null;
        for (const one of [...steps, { kind: 'work', what: 'r' } as const]) {
          refreshedAt = await take(bench, one, refreshedAt);
          expect(await missing(bench, refreshedAt)).toEqual([]);
        }
        await bench.sandbox.control('DELETE', 'faults');
        for (let pages = 0; (await bench.stretch.read(async (floor) => floor)) !== null; pages += 1) {
          expect(pages).toBeLessThan(60);
          await bench.extend();
        }
        expect(await missing(bench, refreshedAt)).toEqual([]);
        await bench.close();
      },
    ),
    { numRuns: inject('engine') === 'postgres' ? 6 : 25, interruptAfterTimeLimit: 12_000 },
  );
});

/** Gives when the last refresh that succeeded began. */
async function take(bench: Bench, one: Step, refreshedAt: number | null): Promise<number | null> {
  switch (one.kind) {
    case 'pass':
      bench.pass(one.ms);
      return refreshedAt;
    case 'create':
      // Stripe's lists are a minute late at most.
      bench.pass(1);
      await bench.create(one.count, 0, one.spread, one.late);
      bench.pass(1);
      return refreshedAt;
    case 'odd': {
      const id = [...bench.runs.keys()][Math.floor(one.which * bench.runs.size)];
      if (id === undefined) return refreshedAt;
      bench.runs.delete(id);
      await bench.sandbox.control('POST', `runs/${id}/overlay`, ODD[one.how]);
      return refreshedAt;
    }
    case 'refuse':
      await refuseAfter(bench, one.after);
      return refreshedAt;
    case 'restart':
      bench.restart();
      return refreshedAt;
    case 'work': {
      const began = bench.now();
      const done = await Promise.all(one.what.split('').map((word) => attempt(bench, word)));
      return done.includes('refreshed') ? began : refreshedAt;
    }
  }
}

async function attempt(bench: Bench, word: string): Promise<'refreshed' | 'other'> {
  try {
    if (word === 'r') return (await bench.readHead()) ? 'refreshed' : 'other';
    await bench.extend();
    return 'other';
  } catch (error) {
    if (error instanceof UpstreamError && error.kind === 'rate_limited') return 'other';
    throw error;
  }
}

/** Runs that a refresh must have found, are above the floor, and yet are not in the ledger. */
async function missing(bench: Bench, refreshedAt: number | null): Promise<readonly unknown[]> {
  if (refreshedAt === null) return [];
  return bench.stretch.read(async (floor, asker) => {
    const known = await shown(bench.ledger, floor, asker);
    return [...bench.runs.values()].filter(
      ({ id, created, visibleAt }) =>
        visibleAt <= refreshedAt && (floor === null || created >= floor.createdAt) && !known.has(id),
    );
  });
}

test('a reader at any moment sees no runs above runs that are missing', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.constantFrom(1, 120, 230), { minLength: 2, maxLength: 4 }),
      fc.array(fc.boolean(), { minLength: 4, maxLength: 4 }),
      async (counts, fails) => {
        const bench = await openBench();
        const over = new AbortController();
        const reader = async (): Promise<void> => {
          while (!over.signal.aborted) {
            expect(await holes(bench)).toEqual([]);
            // A pause, or sockets would wait for the readers.
            await sleep(8);
          }
        };
        const writer = async (): Promise<void> => {
          for (const [index, count] of counts.entries()) {
            bench.pass(70_000);
            await bench.create(count, 0, 20_000, 0);
            if (fails[index]) await refuseAfter(bench, 1);
            await Promise.all(['r', 'e'].map((word) => attempt(bench, word)));
          }
        };
        const writing = writer().finally(() => over.abort());
        await Promise.all([writing, reader(), reader()]).finally(() => over.abort());
        await bench.close();
      },
    ),
    { numRuns: 6, interruptAfterTimeLimit: 8_000 },
  );
});

/** Runs that are not in the ledger though newer ones are shown. */
async function holes(bench: Bench): Promise<readonly unknown[]> {
  const existing = [...bench.runs.values()];
  return bench.stretch.read(async (floor, asker) => {
    const known = await shown(bench.ledger, floor, asker);
    const newest = Math.max(...known.values());
    return existing.filter(
      ({ id, created }) =>
        (floor === null || created >= floor.createdAt) && created < newest && !known.has(id),
    );
  });
}
