import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import type { FeedFailure, TickEnd } from '../../src/ledger/schedule.js';
import { until } from '../support/until.js';
import { ACCOUNT, seen, T0, tempEngine, testLedger } from './support.js';

const LEASE = 15_000;
const GOOD: TickEnd = { due: null, state: 'READY', failure: null };

/** A ledger on a clock that stands still until it is moved. */
async function openClocked() {
  const clock = { now: T0 };
  const engine = { ...(await tempEngine()), now: () => clock.now };
  const ledger = await testLedger({ engine, now: engine.now });
  return { ...ledger, engine, clock };
}

function failure(quietUntil: number): FeedFailure {
  return { message: 'away', kind: 'unavailable', details: { status: 500 }, times: 1, quietUntil };
}

test('a feed that was never asked for anything is claimed by nobody', async () => {
  const { schedule } = await openClocked();
  expect(await schedule.claim('V1', LEASE)).toBeNull();
  expect(await schedule.get('V1')).toMatchObject({ due: null, attempt: 0, asked: 0, state: 'READY' });
});

test('of all who try at once one gets the feed, and the others when it is given back and due', async () => {
  const { schedule } = await openClocked();
  await schedule.want('V1', { ids: [], news: true });
  const claims = await Promise.all([1, 2, 3].map(() => schedule.claim('V1', LEASE)));
  expect(claims.filter((claim) => claim !== null)).toMatchObject([
    { attempt: 1, claimed: 1, askedNews: 1, served: 0 },
  ]);
  expect(await schedule.finish('V1', 1, { ...GOOD, due: T0 })).toBe(true);
  expect(await schedule.claim('V1', LEASE)).toMatchObject({ attempt: 2, served: 1 });
});

test('what is asked during a tick makes the feed due at its end, however long its pause', async () => {
  const { schedule, clock } = await openClocked();
  await schedule.want('V1', { ids: [], news: true });
  await schedule.claim('V1', LEASE);
  expect(await schedule.want('V1', { ids: [], news: false })).toBe(2);
  clock.now += 10;
  await schedule.finish('V1', 1, { ...GOOD, due: T0 + 60_000 });
  expect(await schedule.get('V1')).toMatchObject({ served: 1, asked: 2, due: clock.now });
  expect(await schedule.claim('V1', LEASE)).toMatchObject({ attempt: 2, claimed: 2 });
});

test('a feed hastened during its tick keeps to that', async () => {
  const { schedule } = await openClocked();
  await schedule.want('V1', { ids: [], news: true });
  await schedule.claim('V1', LEASE);
  await schedule.hasten('V1', T0 + 1_000);
  await schedule.finish('V1', 1, { ...GOOD, due: T0 + 60_000 });
  expect((await schedule.get('V1')).due).toBe(T0 + 1_000);
  await schedule.hasten('V1', T0 + 2_000);
  expect((await schedule.get('V1')).due).toBe(T0 + 1_000);
});

test('a holder who says nothing loses the feed when the lease is over, and can neither end, keep nor mark anything', async () => {
  const { schedule, feeds, runs, clock } = await openClocked();
  await schedule.want('V1', { ids: [], news: true });
  await schedule.claim('V1', LEASE);
  clock.now += LEASE - 1;
  expect(await schedule.claim('V1', LEASE)).toBeNull();
  clock.now += 1;
  expect(await schedule.claim('V1', LEASE)).toMatchObject({ attempt: 2 });
  expect(await schedule.renew('V1', 1, LEASE)).toBe(false);
  expect(await schedule.finish('V1', 1, GOOD)).toBe(false);
  const late = feeds.advance('V1', { newest: T0 }, { items: [seen('frr_1', 'RUNNING')], attempt: 1 });
  await expect(late).rejects.toThrow('taken the feed over');
  expect((await feeds.get('V1')).newest).toBeNull();
  expect((await runs.get(['frr_1'])).size).toBe(0);
  expect(await schedule.get('V1')).toMatchObject({ attempt: 2, leaseUntil: clock.now + LEASE, served: 0 });
});

test('a process that has the database to itself takes at once what its dead predecessor held', async () => {
  const { schedule, engine } = await openClocked();
  await schedule.want('V1', { ids: [], news: true });
  await schedule.claim('V1', LEASE);
  const next = await testLedger({ engine: { ...engine, isShared: false }, now: engine.now });
  expect(await next.schedule.claim('V1', LEASE)).toMatchObject({ attempt: 3, claimed: 1, served: 0 });
  const other = await testLedger({ engine: { ...engine, isShared: true }, now: engine.now });
  expect(await other.schedule.claim('V1', LEASE)).toBeNull();
});

test('a holder who goes on keeps the feed beyond its first lease', async () => {
  const { schedule, clock } = await openClocked();
  await schedule.want('V1', { ids: [], news: true });
  await schedule.claim('V1', LEASE);
  clock.now += LEASE - 1;
  expect(await schedule.renew('V1', 1, LEASE)).toBe(true);
  clock.now += LEASE - 1;
  expect(await schedule.claim('V1', LEASE)).toBeNull();
});

test('what a failed tick was asked for is still asked for, and nobody knocks before its time', async () => {
  const { schedule, clock } = await openClocked();
  await schedule.want('V1', { ids: [], news: true });
  await schedule.claim('V1', LEASE);
  const failed = failure(T0 + 1_000);
  await schedule.finish('V1', 1, { due: T0 + 2_000, state: 'DOWN', failure: failed });
  expect(await schedule.get('V1')).toMatchObject({
    served: 0,
    claimed: 1,
    state: 'DOWN',
    failure: failed,
    due: T0 + 2_000,
  });
  expect(await schedule.want('V1', { ids: [], news: true }, 1_000)).toBeNull();
  // One that must not be lost is noted, but waits as well.
  expect(await schedule.want('V1', { ids: [], news: true })).toBe(2);
  expect((await schedule.get('V1')).due).toBe(T0 + 1_000);
  clock.now += 1_000;
  expect(await schedule.claim('V1', LEASE)).toMatchObject({ served: 0, claimed: 2, failure: { times: 1 } });
});

test('a reader asks for nothing that was just seen, and shares a tick that is at it already', async () => {
  const { schedule, feeds, runs, clock } = await openClocked();
  const ask = (ids: string[], news = false) => schedule.want('V1', { ids, news }, 1_000);
  await runs.observe([seen('frr_1', 'RUNNING'), seen('frr_2', 'RUNNING'), seen('frr_3', 'SUCCEEDED')], {
    askedAt: T0,
  });
  expect(await ask(['frr_1', 'frr_2', 'frr_3', 'frr_unknown'])).toBeNull();
  clock.now += 1_001;
  expect(await ask(['frr_3', 'frr_unknown'])).toBeNull();
  expect(await ask(['frr_1', 'frr_3'])).toBe(1);
  await schedule.claim('V1', LEASE);
  expect(await ask(['frr_1'])).toBe(1);
  expect(await ask(['frr_1', 'frr_2'])).toBe(2);
  expect(await ask([], true)).toBe(3);
  // One that must be served by a later tick does not share it.
  expect(await schedule.want('V1', { ids: ['frr_1'], news: false })).toBe(4);
  await feeds.advance('V1', { refreshed: clock.now });
  expect(await ask([], true)).toBeNull();
});

const PACE = { least: 1_000, most: 15_000, young: 0 };

test('runs are watched until those who follow them go or say no more, and the others hear of it', async () => {
  const { runs, engine, clock } = await openClocked();
  const told: string[] = [];
  engine.onNotify((topic) => told.push(topic));
  const one = (id: string, created: number) => seen(id, 'RUNNING', { created });
  await runs.observe([one('frr_old', T0 - 50_000), one('frr_new', T0 - 20_000)], { askedAt: T0 });
  expect(await runs.pace('V1', PACE)).toEqual({
    watched: null,
    watchedDue: null,
    ending: null,
    unwatched: T0 + 60_000,
  });
  await runs.watch(['frr_old', 'frr_new'], T0 + 60_000);
  expect(await runs.pace('V1', PACE)).toEqual({
    watched: T0 - 20_000,
    // The younger one is due first: a tenth of its age after the look.
    watchedDue: T0 + 2_000,
    ending: null,
    unwatched: null,
  });
  told.length = 0;
  await runs.unwatch(['frr_new', 'frr_old', 'frr_unknown']);
  await until(() => told.length === 2);
  expect(told.sort()).toEqual([`left:${ACCOUNT}:frr_new`, `left:${ACCOUNT}:frr_old`]);
  await runs.watch(['frr_old'], T0 + 60_000);
  clock.now += 60_001;
  expect((await runs.pace('V1', PACE)).watched).toBeNull();
});

test('a run is gone when Stripe has not known it three times over five minutes, unless it was seen between', async () => {
  const { runs, engine } = await openClocked();
  const told: string[] = [];
  engine.onNotify((topic) => topic.startsWith('gone:') && told.push(topic));
  await runs.observe([seen('frr_1', 'RUNNING')], { askedAt: T0 });
  const minute = 60_000;
  expect(await runs.missing('frr_1', T0 + minute)).toBe(false);
  expect(await runs.missing('frr_1', T0 + 2 * minute)).toBe(false);
  expect(await runs.missing('frr_1', T0 + 3 * minute)).toBe(false);
  await runs.observe([seen('frr_1', 'RUNNING')], { askedAt: T0 + 4 * minute });
  for (const at of [5, 8]) expect(await runs.missing('frr_1', T0 + at * minute)).toBe(false);
  expect(await runs.missing('frr_1', T0 + 10 * minute)).toBe(true);
  await until(() => told.length > 0);
  expect(told).toEqual([`gone:${ACCOUNT}:frr_1`]);
  // Looks that far apart are not a row of them.
  for (const at of [20, 41, 62]) expect(await runs.missing('frr_1', T0 + at * minute)).toBe(false);
});

/** What instances can do with a feed. */
const step = fc.oneof(
  fc.record({ kind: fc.constant('want' as const), news: fc.boolean() }),
  fc.record({ kind: fc.constant('ask' as const) }),
  fc.record({ kind: fc.constant('claim' as const) }),
  fc.record({ kind: fc.constant('end' as const), which: fc.nat(5), isGood: fc.boolean() }),
  fc.record({ kind: fc.constant('pass' as const), ms: fc.constantFrom(1, 900, 1_100, 16_000) }),
);

type Step = typeof step extends fc.Arbitrary<infer T> ? T : never;

interface Claimed {
  readonly attempt: number;
  readonly claimed: number;
  /** When the feed may be another's. */
  readonly until: number;
}

type Clocked = Awaited<ReturnType<typeof openClocked>>;

/** Does one step, which goes into what was said; whether the answer was right. */
async function take(
  { schedule, clock }: Clocked,
  one: Step,
  said: { claims: Claimed[]; served: number },
): Promise<boolean> {
  const last = said.claims.at(-1);
  switch (one.kind) {
    case 'pass':
      clock.now += one.ms;
      return true;
    case 'want': {
      const number = await schedule.want('V1', { ids: [], news: one.news });
      return (number ?? 0) > Math.max(said.served, last?.claimed ?? 0);
    }
    case 'ask':
      await schedule.want('V1', { ids: [], news: true }, 1_000);
      return true;
    case 'claim': {
      const claim = await schedule.claim('V1', LEASE);
      if (claim === null) return true;
      said.claims.push({ attempt: claim.attempt, claimed: claim.claimed, until: clock.now + LEASE });
      return (last?.until ?? 0) <= clock.now;
    }
    case 'end': {
      const claim = said.claims.at(-1 - (one.which % Math.max(1, said.claims.length)));
      if (claim === undefined) return true;
      const holds = claim === last && (await schedule.get('V1')).leaseUntil !== null;
      const bad: TickEnd = { due: clock.now, state: 'DOWN', failure: failure(clock.now + 1_000) };
      const isEnded = await schedule.finish('V1', claim.attempt, one.isGood ? GOOD : bad);
      if (!holds || !isEnded) return holds === isEnded;
      said.claims.splice(-1, 1, { ...claim, until: clock.now });
      if (one.isGood) said.served = claim.claimed;
      return true;
    }
  }
}

test('whatever instances do in whatever order, one holds the feed, and no ask is served before a tick that took it up', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 40 }), async (steps) => {
      const ledger = await openClocked();
      const said = { claims: [], served: 0 };
      for (const one of steps) {
        expect(await take(ledger, one, said)).toBe(true);
        const { asked, served, leaseUntil, due } = await ledger.schedule.get('V1');
        expect(served).toBe(said.served);
        // What is owed is never forgotten: somebody holds the feed, or it is due.
        expect(asked === served || leaseUntil !== null || due !== null).toBe(true);
      }
    }),
    { numRuns: 60 },
  );
});
