import * as fc from 'fast-check';
import { pino } from 'pino';
import { describe, expect, test } from 'vitest';
import { createStripeV1 } from '../../src/datasources/stripe-v1.js';
import type { FollowedRun } from '../../src/ledger/followed-runs.js';
import { CoverV1 } from '../../src/watch/cover-v1.js';
import { Sightings } from '../../src/watch/sightings.js';
import { SpareTime } from '../../src/watch/spare-time.js';
import { Unread } from '../../src/watch/unread.js';
import { type Bench, openBench } from '../lists/stretch-support.js';
import { make } from '../lists/support.js';

const PAGE = 100;
const HISTORY = 1_600;

/** v1's history in Stripe's own order, all of it known to the ledger. */
async function openHistory(spacingMs: number): Promise<{ bench: Bench; order: readonly FollowedRun[] }> {
  const bench = await openBench();
  const createdAt = bench.now() - 3_600_000;
  await make(bench.sandbox, { api: 'V1', count: HISTORY, createdAt, spacingMs, status: 'running' });
  const order: FollowedRun[] = [];
  const v1 = createStripeV1(bench.transport);
  for (let after: string | null = null, more = true; more; ) {
    const page = await v1.listRuns(after === null ? {} : { startingAfter: after });
    for (const item of page.items) {
      if (!('run' in item)) continue;
      const { id, createdAt } = item.run;
      order.push({ id, createdAt, type: '', seen: 0, watchedUntil: 0, asked: 0, endedAt: 0 });
    }
    await bench.ledger.runs.observe(page.items);
    more = page.hasMore;
    after = order.at(-1)?.id ?? null;
  }
  return { bench, order };
}

/** The fewest calls that show all of these places (ascending): each call shows 100 neighbours or one run. */
function fewest(places: readonly number[]): number {
  const calls: number[] = [];
  calls[places.length] = 0;
  for (let from = places.length - 1; from >= 0; from -= 1) {
    const reached = places.findIndex((place) => place > (places[from] ?? 0) + PAGE - 1);
    const ends = Array.from(
      { length: (reached < 0 ? places.length : reached) - from },
      (_, step) => from + step + 1,
    );
    calls[from] = 1 + Math.min(...ends.map((end) => calls[end] ?? Number.POSITIVE_INFINITY));
  }
  return calls[0] ?? 0;
}

/** Sets of running runs, each run with this chance. */
function sets(order: readonly FollowedRun[], density: number): fc.Arbitrary<readonly number[]> {
  // Without its bias, which would favour the ends: the chance is the point.
  const die = fc.noBias(fc.nat(999_999));
  const dice = fc.array(die, { minLength: order.length, maxLength: order.length });
  return dice.map((thrown) => thrown.flatMap((one, place) => (one < density * 1_000_000 ? [place] : [])));
}

describe.each([
  ['one in two seconds', 2_000],
  ['three a second', 350],
  ['twenty-five a second', 40],
])('where runs are created %s', (_name, spacingMs) => {
  test.each([1, 0.1, 0.01])(
    'a share of %d of them is looked at with at most a tenth more calls than the best cover',
    async (density) => {
      const { bench, order } = await openHistory(spacingMs);
      const { ledger, clock } = bench;
      const sightings = new Sightings({ log: pino({ level: 'silent' }) });
      const v1 = createStripeV1(bench.transport);
      const unread = new Unread({
        api: 'V1',
        source: v1,
        ledger,
        sightings,
        clock,
        spare: new SpareTime(clock),
      });
      const cover = new CoverV1({ v1, ledger, sightings, unread, clock });
      const total = { calls: 0, best: 0 };
      const property = fc.asyncProperty(sets(order, density), async (places) => {
        const ids = new Set(places.map((place) => order[place]?.id));
        const running = (await ledger.runs.followed('V1')).filter(({ id }) => ids.has(id));
        bench.pass(1_000);
        const began = bench.now();
        const covered = await cover.cover(running, Number.POSITIVE_INFINITY, 'watched');
        expect(covered.isWhole).toBe(true);
        const after = (await ledger.runs.followed('V1')).filter(({ id }) => ids.has(id));
        expect(after.filter(({ seen }) => seen < began)).toEqual([]);
        total.calls += covered.calls;
        total.best += fewest(places);
      });
      await fc.assert(property, { numRuns: 16 });
      expect(total.calls).toBeLessThanOrEqual(1.1 * total.best);
    },
  );
});
