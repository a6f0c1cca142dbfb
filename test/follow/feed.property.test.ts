import * as fc from 'fast-check';
import { pino } from 'pino';
import { expect, test } from 'vitest';
import { openSqlite } from '../../src/ledger/sqlite.js';
import { UpstreamError } from '../../src/models/errors.js';
import { VirtualClock } from '../../src/simulation/virtual-clock.js';
import type { Clock } from '../../src/watch/clock.js';
import { Feed } from '../../src/watch/feed.js';
import { isAsked } from '../../src/watch/running-runs.js';
import { UpstreamStates } from '../../src/watch/upstream-states.js';
import { seen, T0, tempFolder, testLedger } from '../ledger/support.js';

const RUNS = ['frr_1', 'frr_2', 'frr_3'];
const INSTANCES = 3;
const log = pino({ level: 'silent' });

/** How a tick goes: so many ms, and well or badly. */
interface Trip {
  readonly ms: number;
  readonly isGood: boolean;
}

/** What happens, so many ms after what came before. */
const step = fc.record({
  after: fc.oneof(fc.nat(40), fc.nat(2_000), fc.nat(20_000)),
  instance: fc.nat(INSTANCES - 1),
  what: fc.oneof(
    {
      weight: 6,
      arbitrary: fc.record({ kind: fc.constant('want' as const), run: fc.nat(2), news: fc.boolean() }),
    },
    {
      weight: 6,
      arbitrary: fc.record({ kind: fc.constant('ask' as const), run: fc.nat(2), news: fc.boolean() }),
    },
    {
      weight: 1,
      arbitrary: fc.record({ kind: fc.constant('freeze' as const), ms: fc.constantFrom(4_000, 40_000) }),
    },
    { weight: 1, arbitrary: fc.record({ kind: fc.constant('close' as const) }) },
  ),
});
type Step = typeof step extends fc.Arbitrary<infer T> ? T : never;

const trip: fc.Arbitrary<Trip> = fc.record({
  ms: fc.oneof(fc.nat(200), fc.constantFrom(1_500, 20_000)),
  isGood: fc.oneof({ weight: 3, arbitrary: fc.constant(true) }, { weight: 1, arbitrary: fc.constant(false) }),
});

/** A clock whose timers stand still while its instance does, as in a process that is stopped. */
function freezable(clock: VirtualClock): { clock: Clock; freeze: (ms: number) => void } {
  let until = 0;
  const after = (ms: number, work: () => void): (() => void) => {
    let cancel = clock.after(ms, () => {
      if (clock.now() >= until) work();
      else cancel = after(until - clock.now(), work);
    });
    return () => cancel();
  };
  const wait = (ms: number): Promise<void> => new Promise((resolve) => void after(ms, resolve));
  return {
    clock: { now: clock.now, after, wait },
    freeze(ms) {
      until = clock.now() + ms;
    },
  };
}

interface Tick {
  /** Up to which ask it took them up. */
  readonly claimed: number;
  readonly asked: ReadonlySet<string>;
  readonly news: boolean;
  readonly isGood: boolean;
}

/** Three instances on one schedule, whose ticks only note what they were asked for. */
async function openScene(trips: readonly Trip[]) {
  const time = new VirtualClock(T0);
  const engine = openSqlite(`${tempFolder()}/ledger.db`, time.now);
  const { schedule, runs } = await testLedger({ engine, now: time.now });
  await runs.observe(RUNS.map((id) => seen(id, 'RUNNING')));
  const ended: Tick[] = [];
  /** Those who are at it; whoever is frozen longer than the lease may be so with another. */
  const atIt = new Set<number>();
  const frozen = new Set<number>();
  const overlaps: number[] = [];
  let made = 0;
  const instances = Array.from({ length: INSTANCES }, (_none, index) => {
    const { clock, freeze } = freezable(time);
    const feed = new Feed({
      api: 'V1',
      work: {
        async tick(claim) {
          if ([...atIt].some((other) => !frozen.has(other))) overlaps.push(claim.attempt);
          atIt.add(index);
          const followed = await runs.followed('V1');
          const asked = new Set(followed.filter((run) => isAsked(run, claim)).map(({ id }) => id));
          const { ms, isGood } = trips[made % trips.length] ?? { ms: 0, isGood: true };
          made += 1;
          await clock.wait(ms);
          atIt.delete(index);
          const news = claim.askedNews > claim.served;
          ended.push({ claimed: claim.claimed, asked, news, isGood });
          if (!isGood) throw new UpstreamError('unavailable', 'Stripe is away.');
        },
        pause: () => Promise.resolve(null),
      },
      schedule,
      states: new UpstreamStates(),
      log,
      clock,
      random: () => 0.5,
    });
    const stop = engine.onNotify(() => void feed.look());
    return { feed, freeze, stop };
  });
  return { time, engine, schedule, ended, overlaps, frozen, instances };
}

test('whatever ticks do, wherever they are: what is wanted is in a good tick that began after it, and nobody waits for ever', async () => {
  const property = fc.asyncProperty(
    fc.array(step, { minLength: 1, maxLength: 25 }),
    fc.array(trip, { minLength: 1, maxLength: 12 }),
    async (steps, trips) => {
      const scene = await openScene([...trips, { ms: 50, isGood: true }]);
      const { time, schedule, ended, instances, frozen } = scene;
      const wanted: { readonly run: string | null; readonly after: number }[] = [];
      let waiting = 0;
      const take = async ({ instance: index, what }: Step): Promise<void> => {
        const instance = instances[index];
        if (instance === undefined) return;
        if (what.kind === 'freeze') {
          frozen.add(index);
          instance.freeze(what.ms);
        } else if (what.kind === 'close') {
          void instance.feed.close();
        } else {
          const ask = { ids: [RUNS[what.run] ?? ''], news: what.news };
          if (what.kind === 'want') {
            const { asked: after } = await schedule.get('V1');
            await instance.feed.want(ask);
            wanted.push({ run: RUNS[what.run] ?? '', after });
            if (what.news) wanted.push({ run: null, after });
          } else {
            waiting += 1;
            await instance.feed.ask(ask);
            waiting -= 1;
          }
        }
      };
      const takes: Promise<void>[] = [];
      // One that is never closed or frozen: a schedule needs somebody alive.
      const mortal = steps.filter(
        ({ instance, what }) => instance > 0 || what.kind === 'want' || what.kind === 'ask',
      );
      for (const one of mortal) {
        await time.pass(one.after);
        takes.push(take(one));
      }
      await time.pass(1_200_000);
      await Promise.all(takes);
      expect(waiting).toBe(0);
      const good = ended.filter(({ isGood }) => isGood);
      const lost = wanted.filter(
        ({ run, after }) =>
          !good.some((tick) => tick.claimed > after && (run === null ? tick.news : tick.asked.has(run))),
      );
      expect(lost).toEqual([]);
      expect(scene.overlaps).toEqual([]);
      const last = await schedule.get('V1');
      expect({ owed: last.asked - last.served, lease: last.leaseUntil, due: last.due }).toEqual({
        owed: 0,
        lease: null,
        due: null,
      });
      for (const { feed, stop } of instances) {
        stop();
        await Promise.all([feed.close(), time.pass(2_000)]);
      }
      await scene.engine.close();
    },
  );
  await fc.assert(property, { numRuns: 150 });
}, 120_000);
