import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { letsThrough } from '../../src/ledger/run-filter.js';
import type { RunPageRequest, RunPosition } from '../../src/models/run-page.js';
import { filled, filter, look, model, place, rows, visible } from './page-model.js';
import { decode, seen, T0, type TestLedger, tempEngine, testLedger } from './support.js';

async function paged(
  { runs }: TestLedger,
  request: RunPageRequest,
  floor: RunPosition | null,
): Promise<unknown> {
  const page = await runs.page(request, floor);
  return { ids: page.runs.map(({ id }) => id), more: page.more, moreBefore: page.moreBefore };
}

test('a page is what cutting the sorted list gives, with exact flags, whatever is asked', async () => {
  const engine = await tempEngine();
  let round = 0;
  const request = fc.record({
    filter,
    direction: fc.constantFrom<('forward' | 'backward')[]>('forward', 'backward'),
    limit: fc.nat(7),
    after: place,
    before: place,
  });
  const property = fc.asyncProperty(
    rows,
    fc.array(fc.tuple(request, place, fc.nat(3)), { minLength: 12, maxLength: 12 }),
    async (all, asks) => {
      round += 1;
      const ledger = await filled(engine, `acct_${round}:test`, all);
      for (const [asked, low, same] of asks) {
        const ask: RunPageRequest = { ...asked, after: asked.after(all), before: asked.before(all) };
        // Now and then the floor is the very place that is read from.
        const floor = [ask.after, ask.before][same] ?? low(all);
        expect(await paged(ledger, ask, floor)).toEqual(model(visible(all, ask.filter, floor), ask));
      }
    },
  );
  await fc.assert(property, { numRuns: 200 });
});

test('a single run passes a filter exactly where lists show it', async () => {
  const engine = await tempEngine();
  let round = 0;
  const property = fc.asyncProperty(
    rows,
    fc.array(filter, { minLength: 5, maxLength: 5 }),
    async (all, filters) => {
      round += 1;
      const { runs } = await filled(engine, `acct_${round}:test`, all);
      const known = await runs.get(all.map(({ id }) => id));
      const shown = [...known.values()].flatMap(({ run }) => (run === null ? [] : [run]));
      for (const by of filters) {
        const request = { filter: by, direction: 'forward', limit: 100, after: null, before: null } as const;
        const listed = (await runs.page(request, null)).runs.map(({ id }) => id);
        const passed = shown.filter((run) => letsThrough(by, run)).map(({ id }) => id);
        expect(passed.sort()).toEqual([...listed].sort());
      }
    },
  );
  await fc.assert(property, { numRuns: 100 });
});

test('nothing lies before a page that is read from the floor when the floor is the newest run', async () => {
  const { runs } = await testLedger();
  await runs.observe([seen('frr_1', 'RUNNING')]);
  const floor: RunPosition = { createdAt: T0, id: 'frr_1' };
  const ask: RunPageRequest = { filter: {}, direction: 'forward', limit: 5, after: floor, before: null };
  expect(await runs.page(ask, floor)).toEqual({ runs: [], more: false, moreBefore: false });
});

test('a walk in pages of any size gives every matching run once and in order, forward and backward', async () => {
  const engine = await tempEngine();
  let round = 0;
  const sizes = fc.array(fc.integer({ min: 1, max: 5 }), { minLength: 1, maxLength: 4 });
  const property = fc.asyncProperty(rows, filter, place, sizes, async (all, by, low, steps) => {
    round += 1;
    const floor = low(all);
    const ledger = await filled(engine, `acct_${round}:test`, all);
    const list = visible(all, by, floor).map(({ id }) => id);
    for (const direction of ['forward', 'backward'] as const) {
      const forward = direction === 'forward';
      const walk: string[] = [];
      let end: RunPosition | null = null;
      for (let turn = 0, more = true; more; turn += 1) {
        const limit = steps[turn % steps.length] ?? 1;
        const at: Pick<RunPageRequest, 'after' | 'before'> = forward
          ? { after: end, before: null }
          : { after: null, before: end };
        const page = await ledger.runs.page({ filter: by, direction, limit, ...at }, floor);
        const ids = page.runs.map(({ id }) => id);
        if (forward) walk.push(...ids);
        else walk.unshift(...ids);
        expect(page.moreBefore).toBe(turn > 0);
        end = (forward ? page.runs.at(-1) : page.runs[0]) ?? null;
        more = page.more;
      }
      expect(walk).toEqual(list);
    }
  });
  await fc.assert(property, { numRuns: 60 });
});

test('runs that become known during a walk take none of the others away and repeat none', async () => {
  const engine = await tempEngine();
  let round = 0;
  const size = fc.integer({ min: 1, max: 4 });
  const property = fc.asyncProperty(rows, rows, filter, size, async (all, later, by, limit) => {
    round += 1;
    const { runs } = await filled(engine, `acct_${round}:test`, all);
    const news = later.filter(({ id }) => all.every((row) => row.id !== id));
    const walk: string[] = [];
    let after: RunPosition | null = null;
    for (let more = true; more; ) {
      const page = await runs.page({ filter: by, direction: 'forward', limit, after, before: null }, null);
      walk.push(...page.runs.map(({ id }) => id));
      after = page.runs.at(-1) ?? null;
      more = page.more;
      await runs.observe(news.splice(0, 3).map(look));
    }
    expect(new Set(walk).size).toBe(walk.length);
    const known = visible(all, by, null).map(({ id }) => id);
    expect(walk.filter((id) => all.some((row) => row.id === id))).toEqual(known);
  });
  await fc.assert(property, { numRuns: 60 });
});

test('a body that can no longer be read is left out of its page, and the next run takes its place', async () => {
  const engine = await tempEngine();
  const all = ['a', 'b', 'c', 'd', 'e'].map((name) => seen(`frr_${name}`, 'SUCCEEDED', { text: name }));
  await (await testLedger({ engine })).runs.observe(all);
  const strict = await testLedger({
    engine,
    decode: (api, raw) =>
      decode(api, raw['text'] === 'a' || raw['text'] === 'c' ? { ...raw, status: 'odd' } : raw),
  });
  const ask: RunPageRequest = { filter: {}, direction: 'forward', limit: 2, after: null, before: null };
  expect(await paged(strict, ask, null)).toEqual({ ids: ['frr_e', 'frr_d'], more: true, moreBefore: false });
  const back: RunPageRequest = { ...ask, direction: 'backward', limit: 3 };
  expect(await paged(strict, back, null)).toMatchObject({ ids: ['frr_e', 'frr_d', 'frr_b'], more: false });
  expect((await strict.runs.get(['frr_c'])).get('frr_c')).toMatchObject({
    status: 'SUCCEEDED',
    run: null,
    unreadableReason: 'expected a known status, got odd',
  });
});

test('a run that ends while a list is read is in it once, and as it was', async () => {
  const { runs } = await testLedger();
  await runs.observe([seen('frr_1', 'RUNNING'), seen('frr_2', 'SUCCEEDED')]);
  const ask: RunPageRequest = {
    filter: { api: 'V1' },
    direction: 'forward',
    limit: 10,
    after: null,
    before: null,
  };
  const asked = [runs.page(ask, null), runs.page({ ...ask, filter: { status: ['RUNNING'] } }, null)];
  const counted = runs.count({ api: 'V1' }, 10);
  await runs.observe([seen('frr_1', 'FAILED')]);
  const pages = (await Promise.all(asked)).map((page) => page.runs.map(({ id, status }) => [id, status]));
  expect(pages).toEqual([
    [
      ['frr_2', 'SUCCEEDED'],
      ['frr_1', 'RUNNING'],
    ],
    [['frr_1', 'RUNNING']],
  ]);
  expect(await counted).toBe(2);
});
