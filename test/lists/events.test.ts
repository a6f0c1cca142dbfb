import { Writable } from 'node:stream';
import { pino } from 'pino';
import { expect, test } from 'vitest';
import { createStripeV2 } from '../../src/datasources/stripe-v2.js';
import { EventsV2 } from '../../src/watch/events-v2.js';
import { SpareTime } from '../../src/watch/spare-time.js';
import { type Bench, openBench } from './stretch-support.js';
import { make } from './support.js';

const MINUTE = 60_000;
const DAY = 86_400_000;

interface Logged {
  readonly msg: string;
  readonly from: string;
  readonly until: string;
  readonly losses: number;
}

/** One instance's reading of events, and what it logs. */
function openEvents({ ledger, transport, clock }: Bench) {
  const logged: Logged[] = [];
  const lines = new Writable({
    write(chunk: Buffer, _encoding, done) {
      logged.push(JSON.parse(chunk.toString()) as Logged);
      done();
    },
  });
  const log = pino({ level: 'error' }, lines);
  const events = new EventsV2({
    v2: createStripeV2(transport),
    ledger,
    clock,
    spare: new SpareTime(clock),
    log,
  });
  return {
    logged,
    /** A tick's turn. */
    async turn(): Promise<void> {
      await ledger.schedule.want('V2', { ids: [], news: true });
      const claim = await ledger.schedule.claim('V2', 15_000);
      if (claim === null) throw new Error('expected the feed to be free');
      await events.read(claim, 'rest');
      await ledger.schedule.finish('V2', claim.attempt, { due: null, state: 'READY', failure: null });
    },
    isUnderWay: () => events.isUnderWay,
  };
}

async function known({ ledger }: Bench): Promise<ReadonlySet<string>> {
  return new Set(await ledger.runs.unread('V2', 10_000));
}

async function openQuiet(): Promise<Bench> {
  const bench = await openBench();
  await bench.sandbox.control('POST', 'settings', { lateEventsMs: 0 });
  return bench;
}

test('the time whose events Stripe has dropped is logged and counted once, and what came later is found', async () => {
  const bench = await openQuiet();
  const began = bench.now();
  await openEvents(bench).turn();
  bench.pass(31 * DAY);
  const [late = ''] = await make(bench.sandbox, { api: 'V2', count: 1, createdAt: bench.now() - 29 * DAY });
  const events = openEvents(bench);
  await events.turn();
  const until = began + DAY;
  expect(events.logged).toMatchObject([
    { from: new Date(began).toISOString(), until: new Date(until).toISOString(), losses: 1 },
  ]);
  expect(await known(bench)).toEqual(new Set([late]));
  expect(await bench.ledger.feeds.get('V2')).toMatchObject({ lost: { from: began, until }, losses: 1 });
  await events.turn();
  bench.pass(29 * DAY);
  await events.turn();
  expect(events.logged).toHaveLength(1);
  bench.pass(45 * DAY);
  // Stripe is away: whoever tries again, it is the same loss.
  await bench.sandbox.control('POST', 'faults', {
    path: '/v2/core/events',
    kind: 'error',
    status: 403,
    times: 1,
  });
  await expect(events.turn()).rejects.toThrow('may not');
  bench.pass(MINUTE);
  const next = openEvents(bench);
  await next.turn();
  expect([...events.logged.slice(1), ...next.logged]).toMatchObject([{ losses: 2 }]);
});

test('an event that appears ten minutes late is found by the next read', async () => {
  const bench = await openQuiet();
  const events = openEvents(bench);
  await events.turn();
  bench.pass(DAY / 2);
  const [late = ''] = await make(bench.sandbox, {
    api: 'V2',
    count: 1,
    status: 'running',
    lateMs: 10 * MINUTE - 1_000,
  });
  await events.turn();
  expect((await known(bench)).size).toBe(0);
  bench.pass(10 * MINUTE - 500);
  await events.turn();
  expect(await known(bench)).toEqual(new Set([late]));
});

test('an instance that takes over in the middle of a long read loses nothing, nor does the first when it goes on', async () => {
  const bench = await openQuiet();
  const made = await make(bench.sandbox, {
    api: 'V2',
    count: 700,
    createdAt: bench.now() - MINUTE,
    status: 'running',
  });
  const [first, second] = [openEvents(bench), openEvents(bench)];
  await first.turn();
  expect(first.isUnderWay()).toBe(true);
  expect((await known(bench)).size).toBeLessThan(made.length);
  bench.pass(1_000);
  while ((await bench.ledger.feeds.get('V2')).eventCursor === null) await second.turn();
  expect(await known(bench)).toEqual(new Set(made));
  const { eventCursor, refreshed } = await bench.ledger.feeds.get('V2');
  while (first.isUnderWay()) await first.turn();
  expect(await bench.ledger.feeds.get('V2')).toMatchObject({ eventCursor, refreshed });
});
