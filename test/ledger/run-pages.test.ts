import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import type { Engine } from '../../src/ledger/engine.js';
import type { RunPageRequest, RunPosition } from '../../src/models/run-page.js';
import { below, filter, instant, model, place, type Row, rows, visible } from './page-model.js';
import { decode, seen, type TestLedger, tempEngine, testLedger } from './support.js';

function look({ id, status, type, createdAt }: Row): ReturnType<typeof seen> {
  return seen(id, status, { type, created: createdAt });
}

async function filled(engine: Engine, account: string, all: readonly Row[]): Promise<TestLedger> {
  const ledger = await testLedger({ engine, account });
  await ledger.runs.observe(all.map(look));
  return ledger;
}

async function paged(
  { runs }: TestLedger,
  request: RunPageRequest,
  floor: RunPosition | null,
): Promise<unknown> {
  const page = await runs.page(request, floor);
  return { ids: page.runs.map(({ id }) => id), more: page.more, moreBefore: page.moreBefore };
}

test('a page is what cutting the sorted list gives, with exact flags, whatever is asked', async () => {
  const engine = tempEngine();
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
    fc.array(fc.tuple(request, place), { minLength: 6, maxLength: 6 }),
    async (all, asks) => {
      round += 1;
      const ledger = await filled(engine, `acct_${round}:test`, all);
      for (const [asked, low] of asks) {
        const ask: RunPageRequest = { ...asked, after: asked.after(all), before: asked.before(all) };
        const floor = low(all);
        expect(await paged(ledger, ask, floor)).toEqual(model(visible(all, ask.filter, floor), ask));
      }
    },
  );
  await fc.assert(property, { numRuns: 200 });
});

test('a walk in pages of any size gives every matching run once and in order, forward and backward', async () => {
  const engine = tempEngine();
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
  const engine = tempEngine();
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

test('counting stops at the cap and otherwise agrees with the list', async () => {
  const engine = tempEngine();
  let round = 0;
  const property = fc.asyncProperty(rows, filter, fc.nat(12), async (all, by, cap) => {
    round += 1;
    const ledger = await filled(engine, `acct_${round}:test`, all);
    expect(await ledger.runs.count(by, cap)).toBe(Math.min(cap, visible(all, by, null).length));
  });
  await fc.assert(property, { numRuns: 60 });
});

test('running runs are found by id, by place and by filter, newest first', async () => {
  const engine = tempEngine();
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

test('the neighbour above an instant is the oldest run that is strictly newer, and types are those seen', async () => {
  const engine = tempEngine();
  let round = 0;
  const property = fc.asyncProperty(rows, instant, async (all, at) => {
    round += 1;
    const { runs } = await filled(engine, `acct_${round}:test`, all);
    for (const api of ['V1', 'V2'] as const) {
      const list = visible(all, { api }, null);
      expect(await runs.neighbourAbove(api, at)).toBe(
        list.findLast(({ createdAt }) => createdAt > at)?.id ?? null,
      );
      expect(await runs.types(api)).toEqual([...new Set(list.map(({ type }) => type))].sort());
    }
  });
  await fc.assert(property, { numRuns: 60 });
});

test('a body that can no longer be read is left out of its page, and the next run takes its place', async () => {
  const engine = tempEngine();
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
