import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { runsTopic } from '../../src/ledger/observe.js';
import type { ReportRun, ReportRunStatus } from '../../src/models/report-run.js';
import type { RunFilter } from '../../src/models/run-page.js';
import { systemClock } from '../../src/watch/clock.js';
import { followRuns } from '../../src/watch/follow-runs.js';
import { NewsWatch } from '../../src/watch/news-watch.js';
import { RunLog } from '../../src/watch/run-log.js';
import { Wakes } from '../../src/watch/wakes.js';
import { WatchedFilters } from '../../src/watch/watched-filters.js';
import { filter } from '../ledger/page-model.js';
import { seen, T0, tempEngine, testLedger } from '../ledger/support.js';
import { until } from '../support/until.js';

const DAY = 86_400_000;
const STATUSES: readonly ReportRunStatus[] = ['RUNNING', 'SUCCEEDED', 'FAILED'];

/** A run as it never changes. The last one is so old that only its end can be news. */
const RUNS = [
  { id: 'frr_1', api: 'V1', type: 'balance.summary.1', created: T0 },
  { id: 'frr_2', api: 'V1', type: 'payouts.summary.1', created: T0 + 1_000 },
  { id: 'frr_3', api: 'V1', type: 'balance.summary.1', created: T0 + 2_000 },
  { id: 'reprun_1', api: 'V2', type: 'report_a', created: T0 },
  { id: 'reprun_2', api: 'V2', type: 'report_b', created: T0 + 3_000 },
  { id: 'reprun_3', api: 'V2', type: 'report_a', created: T0 - 10 * DAY },
] as const;
type TestRun = (typeof RUNS)[number];

interface Move {
  readonly run: TestRun;
  readonly from: ReportRunStatus | null;
  readonly to: ReportRunStatus;
  /** When the ledger saw it. */
  readonly at: number;
}

function passes(
  { api, status, reportType, createdFrom, createdBefore }: RunFilter,
  run: TestRun,
  now: string,
) {
  return (
    (!api || api === run.api) &&
    (!status || status.some((word) => word === now)) &&
    (!reportType || reportType.includes(run.type)) &&
    (createdFrom === undefined || createdFrom <= run.created) &&
    (createdBefore === undefined || createdBefore > run.created)
  );
}

/** What a subscription has to tell of what moved. */
function told(by: RunFilter, moves: readonly Move[]): string[] {
  return moves.flatMap(({ run, from, to, at }) => {
    const isHistory = from === null && to !== 'RUNNING' && at - run.created > 2 * DAY;
    const is = passes(by, run, to) || (from === 'RUNNING' && passes(by, run, from));
    return is && !isHistory ? [`${run.id} ${to}`] : [];
  });
}

const step = fc.oneof(
  fc.record({
    kind: fc.constant('observe' as const),
    runs: fc.array(fc.tuple(fc.constantFrom(...RUNS), fc.constantFrom(...STATUSES)), { maxLength: 8 }),
    passed: fc.nat(3),
  }),
  fc.record({
    kind: fc.constant('subscribe' as const),
    by: filter,
    /** How many moves ago it begins; null: now. */
    back: fc.option(fc.nat(5)),
    /** Turns of the event loop between two events that the client takes. */
    slow: fc.nat(4),
  }),
  fc.record({ kind: fc.constant('leave' as const), which: fc.nat(5) }),
  // Notifications are lost until the gap is noticed.
  fc.record({ kind: fc.constant('cut' as const) }),
  fc.record({ kind: fc.constant('mend' as const) }),
);

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

interface Subscriber {
  readonly by: RunFilter;
  readonly since: number;
  readonly seen: string[];
  hasLeft: boolean;
  readonly iterator: AsyncIterator<ReportRun>;
}

test('whatever moves, however slow the clients and whatever wakes are lost, each has its changes once and in order', async () => {
  const engine = await tempEngine();
  let round = 0;
  const property = fc.asyncProperty(fc.array(step, { minLength: 5, maxLength: 30 }), async (steps) => {
    round += 1;
    const account = `acct_${round}:test`;
    const ledger = await testLedger({ engine, account });
    const wakes = new Wakes();
    const clock = systemClock(() => ledger.clock.now);
    /** How often each run is followed; a run that is not is not in it. */
    const followed = new Map<string, number>();
    const add = (id: string): (() => void) => {
      followed.set(id, (followed.get(id) ?? 0) + 1);
      return () => {
        const left = (followed.get(id) ?? 0) - 1;
        if (left > 0) followed.set(id, left);
        else followed.delete(id);
      };
    };
    const runLog = new RunLog({ account, ledger, wakes, clock });
    const news = new NewsWatch({ ledger, clock, askForNews: () => Promise.resolve(), webhooks: false });
    const watched = new WatchedFilters({ account, ledger, runLog, followers: { add }, news, wakes, clock });
    let isCut = false;
    const stopListening = engine.onNotify((topic) => {
      if (!isCut) wakes.wake(topic);
    });
    const mend = (): void => {
      isCut = false;
      wakes.wake(runsTopic(account));
    };
    const moves: Move[] = [];
    const states = new Map<TestRun, ReportRunStatus>();
    const subscribers: Subscriber[] = [];

    const observe = async (looks: readonly (readonly [TestRun, ReportRunStatus])[]): Promise<void> => {
      for (const [run, to] of looks) {
        const from = states.get(run) ?? null;
        if (from !== null && (from !== 'RUNNING' || to === from)) continue;
        states.set(run, to);
        moves.push({ run, from, to, at: ledger.clock.now });
      }
      await ledger.runs.observe(looks.map(([run, to]) => seen(run.id, to, run)));
    };
    const subscribe = async (by: RunFilter, back: number | null, slow: number): Promise<void> => {
      const first = back === null ? undefined : moves[Math.max(0, moves.length - back)];
      const since = back === null ? moves.length : moves.findIndex(({ at }) => at >= (first?.at ?? Infinity));
      const options = { runLog, watched, wakes, clock, isClosing: () => false };
      const from = back === null ? null : (first?.at ?? ledger.clock.now + 1);
      const iterator = (await followRuns(options, by, from))[Symbol.asyncIterator]();
      const one: Subscriber = {
        by,
        since: since < 0 ? moves.length : since,
        seen: [],
        hasLeft: false,
        iterator,
      };
      subscribers.push(one);
      void (async () => {
        for (let next = await iterator.next(); !next.done; next = await iterator.next()) {
          one.seen.push(`${next.value.id} ${next.value.status}`);
          for (let turns = 0; turns < slow; turns += 1) await turn();
        }
      })();
    };

    for (const one of steps) {
      if (one.kind === 'observe') {
        // Each look is an instant later, so that `since` tells them apart.
        ledger.clock.now += 1 + RUNS.length + one.passed;
        await observe(one.runs);
      } else if (one.kind === 'subscribe') await subscribe(one.by, one.back, one.slow);
      else if (one.kind === 'cut') isCut = true;
      else if (one.kind === 'mend') mend();
      else {
        const leaving = subscribers[one.which];
        if (leaving !== undefined) leaving.hasLeft = true;
        await leaving?.iterator.return?.();
      }
    }
    mend();
    const staying = subscribers.filter(({ hasLeft }) => !hasLeft);
    const wanted = staying.map(({ by, since }) => told(by, moves.slice(since)));
    await until(() => staying.every(({ seen: has }, index) => has.length >= (wanted[index]?.length ?? 0)));
    await turn();
    expect(staying.map((subscriber) => subscriber.seen)).toEqual(wanted);
    // Whoever left has had a beginning of it.
    for (const { by, since, seen: has } of subscribers)
      expect(told(by, moves.slice(since)).slice(0, has.length)).toEqual(has);
    // What runs and is followed is watched, and nothing else.
    const running = RUNS.filter((run) => states.get(run) === 'RUNNING').filter((run) =>
      staying.some(({ by }) => passes({ ...by, status: ['RUNNING'] }, run, 'RUNNING')),
    );
    const ids = (): string[] => [...followed.keys()].sort();
    await until(() => ids().join() === running.map(({ id }) => id).join());
    for (const { iterator } of staying) await iterator.return?.();
    await until(() => ids().length === 0);
    stopListening();
  });
  await fc.assert(property, { numRuns: 150 });
});
