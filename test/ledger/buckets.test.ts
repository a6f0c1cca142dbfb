import { expect, test } from 'vitest';
import { type Bucket, type Buckets, openBuckets } from '../../src/ledger/buckets.js';
import { migrate } from '../../src/ledger/migrations.js';
import { tempEngine } from './support.js';

const T0 = Date.UTC(2026, 10, 21, 12);
const DAY = 86_400_000;
const BUCKET: Bucket = { name: 'one', perSecond: 10, capacity: 4 };
const OTHER: Bucket = { name: 'other', perSecond: 10, capacity: 2 };

async function open(): Promise<Buckets & { readonly clock: { now: number } }> {
  const clock = { now: T0 };
  const engine = { ...(await tempEngine()), now: () => clock.now };
  await migrate(engine, () => clock.now);
  return { ...openBuckets(engine, 'acct_1:test'), clock };
}

function asks(count: number, { leave = 0, bucket = BUCKET, isRead = true } = {}) {
  return Array.from({ length: count }, () => ({ from: [{ bucket, leave }], isRead }));
}

async function granted(buckets: Buckets, ...wanted: Parameters<typeof asks>): Promise<number> {
  const { waits } = await buckets.take(asks(...wanted));
  return waits.filter((wait) => wait === 0).length;
}

test('a full bucket gives what it holds, then as fast as it fills, and says how long the others wait', async () => {
  const buckets = await open();
  expect((await buckets.take(asks(7))).waits).toEqual([0, 0, 0, 0, 100, 200, 300]);
  buckets.clock.now += 250;
  expect(await granted(buckets, 7)).toBe(2);
  buckets.clock.now += 60_000;
  expect(await granted(buckets, 7)).toBe(4);
});

test('an ask takes of all its buckets or of none', async () => {
  const buckets = await open();
  const both = {
    from: [
      { bucket: BUCKET, leave: 0 },
      { bucket: OTHER, leave: 0 },
    ],
    isRead: true,
  };
  expect((await buckets.take([both, both, both])).waits).toEqual([0, 0, 100]);
  expect(await granted(buckets, 4)).toBe(2);
});

test('what has to stay for the more important stays', async () => {
  const buckets = await open();
  expect(await granted(buckets, 4, { leave: 2 })).toBe(2);
  expect(await granted(buckets, 4, { leave: 1 })).toBe(1);
  expect(await granted(buckets, 4)).toBe(1);
});

test('pauses grow while they come soon after each other, up to 32 s, and begin at a second again after a minute', async () => {
  const buckets = await open();
  const pauses: number[] = [];
  for (let time = 0; time < 7; time += 1) {
    const ms = await buckets.pause('one', 0);
    pauses.push(ms);
    // A second answer of the same wave changes nothing.
    buckets.clock.now += 10;
    expect(await buckets.pause('one', 0)).toBe(ms - 10);
    expect((await buckets.take(asks(1))).waits).toEqual([ms - 10]);
    buckets.clock.now += ms - 10;
    expect(await granted(buckets, 3)).toBe(1);
  }
  expect(pauses).toEqual([1, 2, 4, 8, 16, 32, 32].map((seconds) => seconds * 1000));
  buckets.clock.now += 61_000;
  expect(await buckets.pause('one', 0)).toBe(1_000);
});

test('a pause is at least as long as Stripe says, but no longer than five minutes', async () => {
  const buckets = await open();
  expect(await buckets.pause('one', 7_000)).toBe(7_000);
  expect(await buckets.pause('one', 9_000)).toBe(9_000);
  expect(await buckets.pause('other', 86_400_000)).toBe(300_000);
});

test('a database whose clock was set back does not hold calls up', async () => {
  const buckets = await open();
  await granted(buckets, 4);
  await buckets.pause('one', 60_000);
  buckets.clock.now -= 3_600_000;
  expect((await buckets.take(asks(2))).waits).toEqual([0, 100]);
  await granted(buckets, 1, { bucket: OTHER });
  buckets.clock.now += 1_000;
  expect(await granted(buckets, 1, { bucket: OTHER })).toBe(1);
});

test('reads are counted by day, with the month so far; creates are not; what is older than 13 months goes', async () => {
  const buckets = await open();
  await granted(buckets, 3);
  await granted(buckets, 1, { isRead: false });
  expect(await buckets.usage()).toEqual([{ day: '2026-11-21', reads: 3 }]);
  buckets.clock.now += DAY;
  expect(await buckets.take(asks(2))).toMatchObject({ month: '2026-11', monthReads: 5 });
  buckets.clock.now += 10 * DAY;
  expect(await buckets.take(asks(1))).toMatchObject({ month: '2026-12', monthReads: 1 });
  expect((await buckets.usage()).map(({ day }) => day)).toEqual(['2026-12-02', '2026-11-22', '2026-11-21']);
  buckets.clock.now = Date.UTC(2027, 11, 31);
  await granted(buckets, 1);
  expect((await buckets.usage()).map(({ day }) => day)).toEqual([
    '2027-12-31',
    '2026-12-02',
    '2026-11-22',
    '2026-11-21',
  ]);
  buckets.clock.now = Date.UTC(2028, 0, 1);
  await granted(buckets, 1);
  expect((await buckets.usage()).map(({ day }) => day)).toEqual(['2028-01-01', '2027-12-31', '2026-12-02']);
});
