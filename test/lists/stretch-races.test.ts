import { expect, test } from 'vitest';
import { type Bench, hold, openBench, refuseAfter, shown } from './stretch-support.js';

async function unknown({ ledger, runs, stretch }: Bench): Promise<readonly string[]> {
  const known = await stretch.read((floor, asker) => shown(ledger, floor, asker));
  return [...runs.keys()].filter((id) => !known.has(id));
}

test('a run that lists show a minute late is found below the runs that came before it', async () => {
  const bench = await openBench();
  await bench.create(40, 3_600_000, 60_000, 0);
  await bench.readHead();
  await bench.create(1, 0, 0, 55_000);
  bench.pass(20_000);
  await bench.create(150, 0, 15_000, 0);
  await bench.readHead();
  expect(await unknown(bench)).toHaveLength(1);
  bench.pass(36_000);
  await bench.readHead();
  expect(await unknown(bench)).toEqual([]);
});

test('an account without runs is complete, and of the many that come later none is missed', async () => {
  const bench = await openBench();
  await bench.readHead();
  bench.pass(600_000);
  await bench.create(250, 0, 500_000, 0);
  bench.restart();
  await bench.readHead();
  expect(await unknown(bench)).toEqual([]);
});

test('a read of the head that hangs longer than its lease moves nothing when it goes on', async () => {
  const bench = await openBench();
  await bench.create(1, 0, 0, 0);
  await bench.readHead();
  const hanging = await hold(bench, 'after');
  const older = bench.readHead();
  await hanging.isHeld();
  bench.pass(300_000);
  await bench.create(120, 0, 250_000, 0);
  expect(await bench.readHead()).toBe(true);
  // Its rejection may come before it is awaited.
  const refused = older.catch((error: unknown) => error);
  await hanging.release();
  expect(String(await refused)).toContain('taken the feed over');
  expect(await unknown(bench)).toEqual([]);
  // Nor does it end the tick of another, whose marks stand.
  await bench.create(3, 0, 0, 0);
  expect(await bench.readHead()).toBe(true);
  expect(await unknown(bench)).toEqual([]);
});

test('two who extend the stretch from the same place move its end once, and both keep what they read', async () => {
  const bench = await openBench();
  await bench.create(350, 3_600_000, 300_000, 0);
  await bench.readHead();
  const other = bench.another();
  const held = await hold(bench, 'after');
  const slow = bench.stretch.extend();
  await held.isHeld();
  await other.extend();
  await other.extend();
  const before = await bench.ledger.feeds.get('V1');
  await held.release();
  await slow;
  expect((await bench.ledger.feeds.get('V1')).horizon).toEqual(before.horizon);
  await bench.stretch.extend();
  expect((await bench.ledger.feeds.get('V1')).complete).toBe(true);
  expect(await unknown(bench)).toEqual([]);
});

test('a reader in the middle of a long read of the head sees no run above those that are missing', async () => {
  const bench = await openBench();
  await bench.create(10, 0, 5_000, 0);
  await bench.readHead();
  bench.pass(600_000);
  await bench.create(130, 0, 300_000, 0);
  const later = await hold(bench, 'before', 1);
  const reading = bench.readHead();
  await later.isHeld();
  const early = await bench.stretch.read((floor, asker) => shown(bench.ledger, floor, asker));
  expect(early.size).toBeGreaterThan(90);
  expect(early.size).toBeLessThanOrEqual(100);
  await later.release();
  await reading;
  const seen = await bench.stretch.read((floor, asker) => shown(bench.ledger, floor, asker));
  expect(seen.size).toBe(140);
});

test('a read of the head that breaks off hides what it has not reached, until it can go on', async () => {
  const bench = await openBench();
  await bench.create(10, 0, 5_000, 0);
  await bench.readHead();
  bench.pass(600_000);
  await bench.create(130, 0, 300_000, 0);
  await refuseAfter(bench, 1);
  await expect(bench.readHead()).rejects.toThrow('rate limit');
  const seen = await bench.stretch.read((floor, asker) => shown(bench.ledger, floor, asker));
  expect(seen.size).toBeGreaterThan(90);
  expect(seen.size).toBeLessThanOrEqual(100);
  await bench.readHead();
  expect(await unknown(bench)).toEqual([]);
});

test('a gap that was open when the gateway ended is still one after its restart', async () => {
  const bench = await openBench();
  await bench.create(10, 0, 5_000, 0);
  await bench.readHead();
  bench.pass(600_000);
  await bench.create(130, 0, 300_000, 0);
  await refuseAfter(bench, 1);
  await expect(bench.readHead()).rejects.toThrow('rate limit');
  bench.restart();
  const seen = await bench.stretch.read((floor, asker) => shown(bench.ledger, floor, asker));
  expect(seen.size).toBeGreaterThan(90);
  expect(seen.size).toBeLessThanOrEqual(100);
  await bench.readHead();
  expect(await unknown(bench)).toEqual([]);
});
