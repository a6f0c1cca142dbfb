import { join } from 'node:path';
import * as fc from 'fast-check';
import Database from 'libsql';
import { expect, onTestFinished, test } from 'vitest';
import type { Engine } from '../../src/ledger/engine.js';
import type { RunFilter, RunPageRequest, RunPosition } from '../../src/models/run-page.js';
import { decode, seen, T0, type TestLedger, tempEngine, tempFolder, testLedger } from './support.js';

interface Row {
  readonly id: string;
  readonly api: 'V1' | 'V2';
  readonly status: 'RUNNING' | 'SUCCEEDED' | 'FAILED' | 'paused';
  readonly type: string;
  readonly createdAt: number;
}

const TYPES = { V1: ['balance.summary.1', 'payouts.summary.1'], V2: ['report_a', 'report_b'] } as const;

/** Few instants, so that many runs share one; `paused` is a row without a status, which no list shows. */
const rows: fc.Arbitrary<readonly Row[]> = fc.uniqueArray(
  fc
    .record({
      name: fc.string({ unit: fc.constantFrom('a', 'b', 'Z', '0', '_'), minLength: 1, maxLength: 4 }),
      api: fc.constantFrom('V1', 'V2'),
      status: fc.constantFrom('RUNNING', 'SUCCEEDED', 'SUCCEEDED', 'FAILED', 'paused'),
      type: fc.nat(1),
      second: fc.nat(3),
    })
    .map(({ name, api, status, type, second }) => ({
      id: (api === 'V1' ? 'frr_' : 'reprun_') + name,
      api,
      status,
      type: TYPES[api][type] ?? '',
      createdAt: T0 + second * 1000,
    })),
  { maxLength: 40, selector: ({ id }) => id },
);

const instant = fc.integer({ min: -1, max: 5 }).map((second) => T0 + second * 1000);

const filter: fc.Arbitrary<RunFilter> = fc.record(
  {
    api: fc.constantFrom('V1', 'V2'),
    status: fc.subarray(['RUNNING', 'SUCCEEDED', 'FAILED']),
    reportType: fc.array(fc.constantFrom(...TYPES.V1, ...TYPES.V2, 'unheard.of.1'), { maxLength: 3 }),
    createdFrom: instant,
    createdBefore: instant,
  },
  { requiredKeys: [] },
);

/** Places of runs, and places between them. */
const place: fc.Arbitrary<RunPosition | null> = fc.option(
  fc.record({
    createdAt: instant,
    id: fc.constantFrom('', 'frr_', 'frr_a', 'frr_bZ', 'reprun_', 'reprun_a', 'reprun_b0'),
  }),
);

/** Above zero where `a` is older than `b`, that is, further down. */
function below(a: RunPosition, b: RunPosition): number {
  if (a.createdAt !== b.createdAt) return b.createdAt - a.createdAt;
  return a.id === b.id ? 0 : a.id < b.id ? 1 : -1;
}

function matches(row: Row, { api, status, reportType, createdFrom, createdBefore }: RunFilter): boolean {
  return (
    row.status !== 'paused' &&
    (api === undefined || row.api === api) &&
    (status === undefined || status.some((one) => one === row.status)) &&
    (reportType === undefined || reportType.includes(row.type)) &&
    (createdFrom === undefined || row.createdAt >= createdFrom) &&
    (createdBefore === undefined || row.createdAt < createdBefore)
  );
}

/** All that a list with this filter and floor shows, newest first. */
function visible(all: readonly Row[], by: RunFilter, floor: RunPosition | null): readonly Row[] {
  return all.filter((row) => matches(row, by) && (!floor || below(floor, row) > 0)).sort(below);
}

/** What `page` has to give, by cutting the sorted list. */
function model(list: readonly Row[], request: RunPageRequest): unknown {
  const { direction, limit, after, before } = request;
  if (direction === 'forward') {
    const start = after ? list.filter((row) => below(row, after) <= 0).length : 0;
    const reach = list.slice(start).filter((row) => !before || below(before, row) > 0);
    const page = reach.slice(0, limit);
    return { ids: page.map(({ id }) => id), more: start + page.length < list.length, moreBefore: start > 0 };
  }
  const end = before ? list.filter((row) => below(before, row) > 0).length : list.length;
  const reach = list.slice(0, end).filter((row) => !after || below(row, after) > 0);
  const page = limit === 0 ? [] : reach.slice(-limit);
  return { ids: page.map(({ id }) => id), more: page.length < end, moreBefore: end < list.length };
}

async function filled(engine: Engine, account: string, all: readonly Row[]): Promise<TestLedger> {
  const ledger = await testLedger({ engine, account });
  await ledger.runs.observe(
    all.map(({ id, status, type, createdAt }) => seen(id, status, { type, created: createdAt })),
  );
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
  const request: fc.Arbitrary<RunPageRequest> = fc.record({
    filter,
    direction: fc.constantFrom('forward', 'backward'),
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
      for (const [ask, floor] of asks) {
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
  const property = fc.asyncProperty(rows, filter, place, sizes, async (all, by, floor, steps) => {
    round += 1;
    const ledger = await filled(engine, `acct_${round}:test`, all);
    const list = visible(all, by, floor).map(({ id }) => id);
    for (const direction of ['forward', 'backward'] as const) {
      const forward = direction === 'forward';
      const walk: string[] = [];
      let place: RunPosition | null = null;
      for (let turn = 0, more = true; more; turn += 1) {
        const limit = steps[turn % steps.length] ?? 1;
        const at: Pick<RunPageRequest, 'after' | 'before'> = forward
          ? { after: place, before: null }
          : { after: null, before: place };
        const page = await ledger.runs.page({ filter: by, direction, limit, ...at }, floor);
        const ids = page.runs.map(({ id }) => id);
        if (forward) walk.push(...ids);
        else walk.unshift(...ids);
        expect(page.moreBefore).toBe(turn > 0);
        place = (forward ? page.runs.at(-1) : page.runs[0]) ?? null;
        more = page.more;
      }
      expect(walk).toEqual(list);
    }
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
    async (all, by, from, to, limit) => {
      round += 1;
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

test('no list scans the table or sorts: every statement is a search in an index that has its order', async () => {
  const file = join(tempFolder(), 'ledger.db');
  const engine = tempEngine(file);
  const asked: { sql: string; params: readonly (string | number | null)[] }[] = [];
  const recording: Engine = {
    ...engine,
    query: (sql, params = []) => {
      asked.push({ sql, params });
      return engine.query(sql, params);
    },
  };
  const { runs } = await testLedger({ engine: recording });
  await runs.observe([seen('frr_1', 'RUNNING'), seen('frr_2', 'SUCCEEDED'), seen('reprun_1', 'FAILED')]);
  asked.length = 0;
  const at: RunPosition = { createdAt: T0, id: 'frr_1' };
  const range: RunFilter = { createdFrom: T0 - 1, createdBefore: T0 + 1 };
  const type = ['balance.summary.1', 'report_a'];
  const filters: RunFilter[] = [
    {},
    { api: 'V1' },
    { status: ['RUNNING'] },
    { status: ['SUCCEEDED', 'FAILED'] },
    { reportType: type },
    { api: 'V2', status: ['FAILED'], reportType: type },
  ];
  for (const one of filters.flatMap((part) => [part, { ...part, ...range }])) {
    for (const direction of ['forward', 'backward'] as const) {
      for (const place of [null, at]) {
        await runs.page({ filter: one, direction, limit: 5, after: place, before: null }, at);
        await runs.page({ filter: one, direction, limit: 5, after: null, before: place }, null);
      }
    }
    await runs.count(one, 10);
    await runs.runningIn(one, at, at, 5);
  }
  await runs.running('V1');
  await runs.running('V2', { ids: ['reprun_1', 'reprun_2'] });
  await runs.neighbourAbove('V1', T0);
  await runs.types('V2');
  await runs.unread('V2', 5);
  await runs.transitions('frr_1', 0);
  expect(asked.length).toBeGreaterThan(100);
  await engine.close();
  // On a connection of its own: libsql never ends an `explain`, and the engine could not leave WAL.
  const db = new Database(file);
  onTestFinished(() => void db.close());
  const plans = new Map<string, string>();
  for (const { sql, params } of asked) {
    const steps = db.prepare(`explain query plan ${sql}`).all(params) as { detail: string }[];
    plans.set(sql, steps.map(({ detail }) => detail).join('; '));
  }
  const bad = [...plans].filter(([, plan]) => /\bSCAN (?!matching|\(subquery)|TEMP B-TREE/.test(plan));
  expect(bad).toEqual([]);
  for (const plan of plans.values()) expect(plan).toMatch(/SEARCH \w+ USING (COVERING )?INDEX/);
});
