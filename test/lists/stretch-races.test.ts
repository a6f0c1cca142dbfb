import { expect, test } from 'vitest';
import { type Bench, hold, openBench, refuseAfter, shown } from './stretch-support.js';

async function unknown({ ledger, runs, stretch }: Bench): Promise<readonly string[]> {
  const known = await stretch.read((floor) => shown(ledger, floor));
  return [...runs.keys()].filter((id) => !known.has(id));
}

test('a run that lists show a minute late is found below the runs that came before it', async () => {
  const bench = await openBench();
  await bench.create(40, 3_600_000, 60_000, 0);
  await bench.stretch.refresh();
  await bench.create(1, 0, 0, 55_000);
  bench.pass(20_000);
  await bench.create(150, 0, 15_000, 0);
  await bench.stretch.refresh();
  expect(await unknown(bench)).toHaveLength(1);
  bench.pass(36_000);
  await bench.stretch.refresh();
  expect(await unknown(bench)).toEqual([]);
});

test('an account without runs is complete, and of the many that come later none is missed', async () => {
  const bench = await openBench();
  await bench.stretch.refresh();
  bench.pass(600_000);
  await bench.create(250, 0, 500_000, 0);
  bench.restart();
  await bench.stretch.refresh();
  expect(await unknown(bench)).toEqual([]);
});

test('two reads of the head at once leave no gap between what they found', async () => {
  const bench = await openBench();
  await bench.create(1, 0, 0, 0);
  const first = await hold(bench, 'after');
  const older = bench.stretch.refresh();
  await first.isHeld();
  bench.pass(300_000);
  await bench.create(120, 0, 250_000, 0);
  const second = await hold(bench, 'after');
  const newer = bench.stretch.extend();
  await second.isHeld(50);
  await first.release();
  await older;
  // The second has nothing left to ask for, now that the first has told it all.
  await bench.sandbox.control('DELETE', 'faults');
  await newer;
  await bench.stretch.refresh();
  expect(await unknown(bench)).toEqual([]);
});

test('a reader who meets the beginning of a long read of the head looks again', async () => {
  const bench = await openBench();
  await bench.create(10, 0, 5_000, 0);
  await bench.stretch.refresh();
  bench.pass(600_000);
  await bench.create(130, 0, 300_000, 0);
  let looks = 0;
  const seen = await bench.stretch.read(async (floor) => {
    looks += 1;
    if (looks > 1) return shown(bench.ledger, floor);
    const later = await hold(bench, 'before', 1);
    const reading = bench.stretch.refresh();
    await later.isHeld();
    const early = await shown(bench.ledger, floor);
    await later.release();
    await reading;
    return early;
  });
  expect(looks).toBe(2);
  expect(seen.size).toBe(140);
});

test('a read of the head that breaks off hides what it has not reached, until it can go on', async () => {
  const bench = await openBench();
  await bench.create(10, 0, 5_000, 0);
  await bench.stretch.refresh();
  bench.pass(600_000);
  await bench.create(130, 0, 300_000, 0);
  await refuseAfter(bench, 1);
  await expect(bench.stretch.refresh()).rejects.toThrow('rate limit');
  const seen = await bench.stretch.read((floor) => shown(bench.ledger, floor));
  expect(seen.size).toBeGreaterThan(90);
  expect(seen.size).toBeLessThanOrEqual(100);
  await bench.stretch.refresh();
  expect(await unknown(bench)).toEqual([]);
});

test('a gap that was open when the gateway ended is still one after its restart', async () => {
  const bench = await openBench();
  await bench.create(10, 0, 5_000, 0);
  await bench.stretch.refresh();
  bench.pass(600_000);
  await bench.create(130, 0, 300_000, 0);
  await refuseAfter(bench, 1);
  await expect(bench.stretch.refresh()).rejects.toThrow('rate limit');
  bench.restart();
  const seen = await bench.stretch.read((floor) => shown(bench.ledger, floor));
  expect(seen.size).toBeGreaterThan(90);
  expect(seen.size).toBeLessThanOrEqual(100);
  await bench.stretch.refresh();
  expect(await unknown(bench)).toEqual([]);
});
