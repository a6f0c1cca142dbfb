import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { below, filled, filter, place, type Row, rows, visible } from './page-model.js';
import { tempEngine } from './support.js';

test('counting stops at the cap and otherwise agrees with the list', async () => {
  const engine = await tempEngine();
  let round = 0;
  const property = fc.asyncProperty(rows, filter, fc.nat(12), async (all, by, cap) => {
    round += 1;
    const ledger = await filled(engine, `acct_${round}:test`, all);
    expect(await ledger.runs.count(by, cap)).toBe(Math.min(cap, visible(all, by, null).length));
  });
  await fc.assert(property, { numRuns: 60 });
});

test('running runs are found by id, by place and by filter, newest first', async () => {
  const engine = await tempEngine();
  let round = 0;
  const property = fc.asyncProperty(
    rows,
    filter,
    place,
    place,
    fc.nat(9),
    async (all, by, top, bottom, limit) => {
      round += 1;
      const [from, to] = [top(all), bottom(all)];
      const { runs } = await filled(engine, `acct_${round}:test`, all);
      const running = visible(all, { status: ['RUNNING'] }, null);
      const asRow = ({ id, createdAt, type }: Row): unknown => ({ id, createdAt, type });
      for (const api of ['V1', 'V2'] as const) {
        const ofApi = running.filter((row) => row.api === api).map(asRow);
        expect(await runs.running(api)).toEqual(ofApi);
        expect(await runs.running(api, { ids: all.map(({ id }) => id) })).toEqual(ofApi);
        expect(await runs.running(api, { ids: [] })).toEqual([]);
      }
      const within = visible(all, { ...by, status: ['RUNNING'] }, null).filter(
        (row) => (!from || below(row, from) >= 0) && (!to || below(to, row) >= 0),
      );
      expect(await runs.runningIn(by, from, to, limit)).toEqual(within.slice(0, limit).map(asRow));
    },
  );
  await fc.assert(property, { numRuns: 60 });
});

test('the report types are those seen', async () => {
  const engine = await tempEngine();
  let round = 0;
  const property = fc.asyncProperty(rows, async (all) => {
    round += 1;
    const { runs } = await filled(engine, `acct_${round}:test`, all);
    for (const api of ['V1', 'V2'] as const) {
      const list = visible(all, { api }, null);
      expect(await runs.types(api)).toEqual([...new Set(list.map(({ type }) => type))].sort());
    }
  });
  await fc.assert(property, { numRuns: 60 });
});
