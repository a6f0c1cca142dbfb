import { expect, onTestFinished, test } from 'vitest';
import type { RunChange } from '../../src/ledger/run-changes.js';
import { systemClock } from '../../src/watch/clock.js';
import type { Clock } from '../../src/watch/clock.js';
import { NewsWatch } from '../../src/watch/news-watch.js';
import { RunLog } from '../../src/watch/run-log.js';
import { Wakes } from '../../src/watch/wakes.js';
import type { StripeApi } from '../../src/models/report-run.js';
import { ACCOUNT, seen, T0, testLedger, type TestLedger } from '../ledger/support.js';
import { until } from '../support/until.js';

/** A log for the readers of one process, on a ledger that counts how often its transitions are read. */
async function openLog(): Promise<{ ledger: TestLedger; log: RunLog; reads: () => number }> {
  const ledger = await testLedger();
  const { changes, engine } = ledger;
  let reads = 0;
  const counted = {
    head: () => changes.head(),
    after(seq: number, limit: number) {
      reads += 1;
      return changes.after(seq, limit);
    },
  };
  const wakes = new Wakes();
  onTestFinished(engine.onNotify((topic) => wakes.wake(topic)));
  const clock = systemClock(() => ledger.clock.now);
  const log = new RunLog({ account: ACCOUNT, ledger: { changes: counted }, wakes, clock });
  return { ledger, log, reads: () => reads };
}

test('a thousand readers who are up to date cost the ledger as much as one', async () => {
  const { ledger, log, reads } = await openLog();
  const taken = Array.from({ length: 1_000 }, () => [] as string[]);
  const ends = taken.map(() => new AbortController());
  const readers = taken.map((mine, index) =>
    log.readOn(0, (ends[index] ?? new AbortController()).signal, ({ id, version }: RunChange) =>
      mine.push(`${id} ${version}`),
    ),
  );
  const ids = Array.from({ length: 10 }, (_, index) => `frr_${index}`);
  for (const status of ['RUNNING', 'SUCCEEDED']) await ledger.runs.observe(ids.map((id) => seen(id, status)));
  await until(() => taken.every(({ length }) => length === 20));
  // One look for each wake, and one each that finds that there is no more.
  expect(reads()).toBeLessThanOrEqual(6);
  expect(new Set(taken.map((mine) => mine.join())).size).toBe(1);
  for (const end of ends) end.abort();
  await Promise.all(readers);
});

test('a reader that takes nothing for a long time has all of it from where it stopped', async () => {
  const { ledger, log } = await openLog();
  const over = new AbortController();
  let release = (): void => {};
  const held = new Promise<void>((resolve) => {
    release = resolve;
  });
  const taken: string[] = [];
  const reading = log.readOn(0, over.signal, async ({ id }) => {
    taken.push(id);
    await held;
  });
  const ids = Array.from({ length: 3_000 }, (_, index) => `frr_${index}`);
  for (let from = 0; from < ids.length; from += 500)
    await ledger.runs.observe(ids.slice(from, from + 500).map((id) => seen(id, 'SUCCEEDED')));
  expect(taken.length).toBe(1);
  release();
  await until(() => taken.length === ids.length);
  expect(taken).toEqual(ids);
  over.abort();
  await reading;
});

/** Time that passes as the test says; what is due then is done. */
function handClock(ledger: TestLedger): { clock: Clock; pass: (ms: number) => Promise<void> } {
  const timers = new Set<{ at: number; work: () => void }>();
  const clock: Clock = {
    now: () => ledger.clock.now,
    wait: () => Promise.resolve(),
    after(ms, work) {
      const timer = { at: ledger.clock.now + ms, work };
      timers.add(timer);
      return () => void timers.delete(timer);
    },
  };
  return {
    clock,
    async pass(ms) {
      ledger.clock.now += ms;
      for (const timer of [...timers].filter(({ at }) => at <= ledger.clock.now)) {
        timers.delete(timer);
        timer.work();
      }
      // A read of the ledger, asked after those of the timers, is answered after them.
      await ledger.feeds.get('V1');
      await ledger.feeds.get('V2');
    },
  };
}

test('new runs are looked for every ten seconds, however many processes and subscribers wait for them', async () => {
  const ledger = await testLedger();
  const { clock, pass } = handClock(ledger);
  /** When a feed would have looked: all that is asked of it at one instant is one look. */
  const looks = new Set<number>();
  let looking: Promise<unknown> = Promise.resolve();
  const askForNews = async (api: StripeApi): Promise<void> => {
    looks.add(clock.now() - T0);
    const look = ledger.feeds.advance(api, { refreshed: clock.now() });
    looking = look;
    await look;
  };
  const stops: (() => void)[] = [];
  const second = async (): Promise<void> => {
    await pass(1_000);
    await looking;
  };
  for (let processes = 0; processes < 3; processes += 1) {
    const one = new NewsWatch({ ledger, clock, askForNews, webhooks: true });
    stops.push(one.add('V1'), one.add('V1'));
    await second();
  }
  looks.clear();
  for (let seconds = 0; seconds < 60; seconds += 1) await second();
  expect(looks.size).toBeGreaterThanOrEqual(4);
  expect(looks.size).toBeLessThanOrEqual(6);
  for (const stop of stops) stop();
  looks.clear();
  for (let seconds = 0; seconds < 30; seconds += 1) await second();
  expect(looks.size).toBe(0);
  // Webhooks tell of new runs of v2, so that it is looked at once a minute.
  const told = new NewsWatch({ ledger, clock, askForNews, webhooks: true });
  const stopTold = told.add('V2');
  for (let seconds = 0; seconds < 180; seconds += 1) await second();
  stopTold();
  expect(looks.size).toBeGreaterThanOrEqual(2);
  expect(looks.size).toBeLessThanOrEqual(3);
});
