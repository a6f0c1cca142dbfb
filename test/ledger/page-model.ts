import * as fc from 'fast-check';
import type { Engine } from '../../src/ledger/engine.js';
import type { RunFilter, RunPageRequest, RunPosition } from '../../src/models/run-page.js';
import { seen, T0, type TestLedger, testLedger } from './support.js';

export interface Row {
  readonly id: string;
  readonly api: 'V1' | 'V2';
  readonly status: 'RUNNING' | 'SUCCEEDED' | 'FAILED' | 'paused';
  readonly type: string;
  readonly createdAt: number;
}

const TYPES = { V1: ['balance.summary.1', 'payouts.summary.1'], V2: ['report_a', 'report_b'] } as const;

/** Few instants, so that many runs share one; `paused` is a row without a status, which no list shows. */
export const rows: fc.Arbitrary<readonly Row[]> = fc.uniqueArray(
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

export const filter: fc.Arbitrary<RunFilter> = fc.record(
  {
    api: fc.constantFrom('V1', 'V2'),
    status: fc.subarray(['RUNNING', 'SUCCEEDED', 'FAILED']),
    reportType: fc.array(fc.constantFrom(...TYPES.V1, ...TYPES.V2, 'unheard.of.1'), { maxLength: 3 }),
    createdFrom: instant,
    createdBefore: instant,
  },
  { requiredKeys: [] },
);

/** A place of its own, the place of one of the runs, or none. */
export const place: fc.Arbitrary<(all: readonly Row[]) => RunPosition | null> = fc.oneof(
  fc.constant(() => null),
  fc.nat(12).map((index) => (all: readonly Row[]) => all[index % (all.length || 1)] ?? null),
  fc
    .record({
      createdAt: instant,
      id: fc.constantFrom('', 'frr_', 'frr_a', 'frr_bZ', 'reprun_', 'reprun_b0'),
    })
    .map((position) => () => position),
);

/** Above zero where `a` is older than `b`, that is, further down. */
export function below(a: RunPosition, b: RunPosition): number {
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
export function visible(all: readonly Row[], by: RunFilter, floor: RunPosition | null): readonly Row[] {
  return all.filter((row) => matches(row, by) && (!floor || below(floor, row) > 0)).sort(below);
}

/** What `page` has to give, by cutting the sorted list. */
export function model(list: readonly Row[], request: RunPageRequest): unknown {
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

/** What a read of such a run gives. */
export function look({ id, status, type, createdAt }: Row): ReturnType<typeof seen> {
  return seen(id, status, { type, created: createdAt });
}

/** A ledger of an account of its own, with these runs. */
export async function filled(engine: Engine, account: string, all: readonly Row[]): Promise<TestLedger> {
  const ledger = await testLedger({ engine, account });
  await ledger.runs.observe(all.map(look));
  return ledger;
}
