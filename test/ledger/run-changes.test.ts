import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { seen, T0, tempEngine, testLedger } from './support.js';

test('the transitions of all runs are read in the order of their commits, each with the run as it is now', async () => {
  const { runs, changes, clock } = await testLedger();
  expect(await changes.head()).toBe(0);
  await runs.observe([seen('frr_1', 'RUNNING'), seen('reprun_1', 'FAILED')]);
  const head = await changes.head();
  clock.now += 500;
  await runs.observe([seen('frr_1', 'SUCCEEDED')]);
  const shown = (await changes.after(0, 10)).map(({ run, ...change }) => [
    change.seq,
    change.id,
    change.version,
    change.status,
    change.at,
    run?.status,
  ]);
  expect(shown).toEqual([
    [T0, 'frr_1', 1, 'RUNNING', T0, 'SUCCEEDED'],
    [T0 + 1, 'reprun_1', 1, 'FAILED', T0, 'FAILED'],
    [T0 + 500, 'frr_1', 2, 'SUCCEEDED', T0 + 500, 'SUCCEEDED'],
  ]);
  expect((await changes.after(head, 10)).map(({ seq }) => seq)).toEqual([T0 + 500]);
  expect((await changes.after(0, 2)).map(({ seq }) => seq)).toEqual([T0, T0 + 1]);
});

test('another account has an order of its own', async () => {
  const engine = await tempEngine();
  const one = await testLedger({ engine });
  const other = await testLedger({ engine, account: 'acct_2:test' });
  await one.runs.observe([seen('frr_1', 'RUNNING')]);
  expect(await other.changes.head()).toBe(0);
  expect(await other.changes.after(0, 10)).toEqual([]);
});

test('whoever reads on from where they stopped has all transitions, once and in order, whatever the clock does', async () => {
  const step = fc.record({
    ids: fc.array(fc.constantFrom('frr_1', 'frr_2', 'frr_3', 'reprun_1'), { minLength: 1, maxLength: 6 }),
    status: fc.constantFrom('RUNNING', 'SUCCEEDED', 'FAILED'),
    passed: fc.integer({ min: -5, max: 5 }),
    /** How much the reader takes before the next step; 0 where it sleeps. */
    takes: fc.nat(3),
  });
  const engine = await tempEngine();
  let round = 0;
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 20 }), async (steps) => {
      round += 1;
      const { runs, changes, clock } = await testLedger({ engine, account: `acct_${round}:test` });
      const written: string[] = [];
      const read: string[] = [];
      let place = 0;
      const take = async (limit: number): Promise<number> => {
        const next = limit === 0 ? [] : await changes.after(place, limit);
        for (const { id, version } of next) read.push(`${id} ${version}`);
        place = next.at(-1)?.seq ?? place;
        return next.length;
      };
      for (const { ids, status, passed, takes } of steps) {
        clock.now += passed;
        const { changed } = await runs.observe(ids.map((id) => seen(id, status)));
        const known = await runs.get(changed);
        written.push(...changed.map((id) => `${id} ${known.get(id)?.version}`));
        await take(takes);
      }
      while ((await take(2)) > 0);
      expect(read).toEqual(written);
    }),
    { numRuns: 100 },
  );
});
