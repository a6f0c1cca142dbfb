import * as fc from 'fast-check';
import { describe, expect, inject, test } from 'vitest';
import { type Bucket, openBuckets, type TokenAsk } from '../../src/ledger/buckets.js';
import type { Engine } from '../../src/ledger/engine.js';
import { migrate } from '../../src/ledger/migrations.js';
import { tempEngine } from './support.js';

const T0 = Date.UTC(2026, 10, 30, 23, 59, 50);
const ACCOUNT: Bucket = { name: 'account', perSecond: 15, capacity: 8 };
const ENDPOINTS: readonly Bucket[] = ['one', 'two', 'three'].map((name) => ({
  name,
  perSecond: 10,
  capacity: 3,
}));

/** The buckets as so many processes see them, with what all of them were given, and when. */
function open(database: Engine, account: string, processes: number) {
  const clock = { now: T0 };
  const engine = { ...database, now: () => clock.now };
  const given: { at: number; name: string }[] = [];
  const all = Array.from({ length: processes }, () => openBuckets(engine, account));
  return {
    clock,
    given,
    async take(process: number, asks: readonly { endpoint: number; leave: number }[]) {
      const from = asks.map(({ endpoint, leave }) => [
        { bucket: ACCOUNT, leave },
        { bucket: ENDPOINTS[endpoint] ?? ACCOUNT, leave: 0 },
      ]);
      const taken = await all[process]?.take(from.map((one): TokenAsk => ({ from: one, isRead: true })));
      for (const [index, wait] of (taken?.waits ?? []).entries()) {
        if (wait > 0) continue;
        for (const { bucket } of from[index] ?? []) given.push({ at: clock.now, name: bucket.name });
      }
    },
    pause: (process: number, name: string, ms: number) => all[process]?.pause(name, ms),
    usage: () => all[0]?.usage(),
  };
}

/** The most that was given from a bucket in any second. */
function busiestSecond(given: readonly { at: number; name: string }[], name: string): number {
  const times = given.filter((one) => one.name === name).map(({ at }) => at);
  return Math.max(0, ...times.map((from) => times.filter((at) => at >= from && at < from + 1000).length));
}

const step = fc.oneof(
  {
    weight: 8,
    arbitrary: fc.record({
      kind: fc.constant('take' as const),
      asks: fc.array(fc.record({ endpoint: fc.nat(2), leave: fc.nat(4) }), { maxLength: 30 }),
    }),
  },
  {
    weight: 8,
    arbitrary: fc.record({ kind: fc.constant('wait' as const), ms: fc.oneof(fc.nat(100), fc.nat(3_000)) }),
  },
  {
    weight: 1,
    arbitrary: fc.record({ kind: fc.constant('pause' as const), endpoint: fc.nat(2), ms: fc.nat(3_000) }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('back' as const), ms: fc.nat(40) }) },
);

describe('the buckets of an account', () => {
  test('give out no more in any second than they hold and gain in one, whoever asks, and count every read', async () => {
    const database = await tempEngine();
    await migrate(database, () => T0);
    let accounts = 0;
    await fc.assert(
      fc.asyncProperty(fc.array(fc.tuple(fc.nat(2), step), { maxLength: 60 }), async (steps) => {
        accounts += 1;
        const buckets = open(database, `acct_${accounts}:test`, 3);
        const pausedUntil = new Map<string, number>();
        const early: unknown[] = [];
        for (const [process, one] of steps) {
          // Processes see the database's clock some ms apart.
          if (one.kind === 'back') buckets.clock.now -= one.ms;
          if (one.kind === 'wait') buckets.clock.now += one.ms;
          if (one.kind === 'pause') {
            const { name } = ENDPOINTS[one.endpoint] ?? ACCOUNT;
            const ms = (await buckets.pause(process, name, one.ms)) ?? 0;
            pausedUntil.set(name, Math.max(pausedUntil.get(name) ?? 0, buckets.clock.now + ms));
          }
          if (one.kind === 'take') {
            const before = buckets.given.length;
            await buckets.take(process, one.asks);
            const now = buckets.given.slice(before);
            early.push(...now.filter(({ at, name }) => at < (pausedUntil.get(name) ?? 0)));
          }
        }
        expect(early).toEqual([]);
        for (const { name, capacity, perSecond } of [ACCOUNT, ...ENDPOINTS])
          expect(busiestSecond(buckets.given, name)).toBeLessThanOrEqual(capacity + perSecond + 1);
        const days = (await buckets.usage()) ?? [];
        const counted = days.reduce((sum, { reads }) => sum + reads, 0);
        expect(counted).toBe(buckets.given.filter(({ name }) => name === ACCOUNT.name).length);
      }),
      { numRuns: inject('engine') === 'sqlite' ? 200 : 40 },
    );
  });
});
