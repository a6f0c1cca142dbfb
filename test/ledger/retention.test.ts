import { pino } from 'pino';
import { expect, test } from 'vitest';
import type { CreateReportRunRequest } from '../../src/models/create-report-run.js';
import type { Clock } from '../../src/watch/clock.js';
import { RetentionLoop } from '../../src/watch/retention-loop.js';
import { until } from '../support/until.js';
import { seen, T0, type TestLedger, testLedger } from './support.js';

const DAY = 86_400_000;
const REQUEST: CreateReportRunRequest = { api: 'V1', reportType: 'balance.summary.1', parameters: {} };

/** Runs `frr_<name>` in each state, and intents of these names in each state, as of the ledger's time. */
async function fill({ runs, intents }: TestLedger, name: string): Promise<void> {
  await runs.observe([seen(`frr_${name}_ended`, 'RUNNING'), seen(`frr_${name}_running`, 'RUNNING')]);
  await runs.observe([seen(`frr_${name}_ended`, 'SUCCEEDED')]);
  for (const state of ['pending', 'unknown', 'closed', 'done']) {
    const key = `${name} ${state}`;
    const begun = await intents.begin(key, REQUEST, () => key);
    if (begun.kind !== 'started') throw new Error(`expected a new intent, got ${begun.kind}`);
    if (state === 'unknown') await intents.giveUp(begun.intent, 'who knows');
    if (state === 'closed') await intents.close(begun.intent, 'refused');
    if (state === 'done') await intents.finish(begun.intent, seen(`frr_${name}_made`, 'RUNNING'));
  }
}

async function left({
  runs,
  intents,
}: TestLedger): Promise<{ transitions: object; intents: readonly string[] }> {
  const ids = ['old_ended', 'old_running', 'new_ended', 'new_running'].map((name) => `frr_${name}`);
  const counts = new Map<string, number>();
  for (const id of ids) counts.set(id, (await runs.transitions(id, 0)).length);
  const states = ['pending', 'unknown', 'closed', 'done'] as const;
  const kept = await intents.list(states, 100);
  return { transitions: Object.fromEntries(counts), intents: kept.map(({ key }) => key).sort() };
}

const ALL_NEW = ['new closed', 'new done', 'new pending', 'new unknown'];

test('deletes old transitions of runs that have ended and old settled intents, and nothing else', async () => {
  const ledger = await testLedger();
  const { clock, retention, runs } = ledger;
  const other = await testLedger({ engine: ledger.engine, account: 'acct_2:test' });
  await fill(ledger, 'old');
  await fill(other, 'old');
  clock.now = T0 + 10 * DAY;
  await fill(ledger, 'new');
  const before = T0 + DAY;
  expect(await retention.transitions(before, 1)).toBe(1);
  expect(await retention.transitions(before, 10)).toBe(1);
  expect(await retention.transitions(before, 10)).toBe(0);
  expect(await retention.intents(before, 10)).toBe(2);
  expect(await left(ledger)).toEqual({
    transitions: { frr_old_ended: 0, frr_old_running: 1, frr_new_ended: 2, frr_new_running: 1 },
    intents: [...ALL_NEW, 'old pending', 'old unknown'],
  });
  expect((await runs.get(['frr_old_ended', 'frr_old_made'])).size).toBe(2);
  expect((await left(other)).intents).toHaveLength(4);
  expect((await other.runs.transitions('frr_old_ended', 0)).length).toBe(2);
});

test('a run whose transitions are gone ends its story as before, and new transitions are told', async () => {
  const { changes, clock, retention, runs } = await testLedger();
  await runs.observe([seen('frr_1', 'RUNNING'), seen('frr_2', 'SUCCEEDED')]);
  const head = await changes.head();
  clock.now = T0 + 100 * DAY;
  expect(await retention.transitions(T0 + DAY, 10)).toBe(1);
  expect((await runs.get(['frr_2'])).get('frr_2')).toMatchObject({ version: 1, status: 'SUCCEEDED' });
  await runs.observe([seen('frr_1', 'SUCCEEDED'), seen('frr_2', 'SUCCEEDED')]);
  expect(await runs.transitions('frr_1', 1)).toMatchObject([{ version: 2, status: 'SUCCEEDED' }]);
  expect(await changes.after(head, 10)).toMatchObject([{ id: 'frr_1', version: 2 }]);
});

test('of several instances one has the turn, once in a period', async () => {
  const { clock, engine, retention } = await testLedger();
  const second = await testLedger({ engine, now: () => clock.now });
  const turns = await Promise.all([retention, second.retention, retention].map((one) => one.begin(DAY)));
  expect(turns.filter((turn) => turn)).toHaveLength(1);
  clock.now += DAY - 1;
  expect(await second.retention.begin(DAY)).toBe(false);
  clock.now += 1;
  expect(await second.retention.begin(DAY)).toBe(true);
  const other = await testLedger({ engine, account: 'acct_2:test', now: () => clock.now });
  expect(await other.retention.begin(DAY)).toBe(true);
});

/** A clock on which waits are over at once, and `tick` does what comes next. */
function handClock(state: { now: number }): Clock & { tick(): void } {
  let next: { readonly ms: number; readonly work: () => void } | null = null;
  return {
    now: () => state.now,
    wait: () => Promise.resolve(),
    after(ms, work) {
      next = { ms, work };
      return () => {
        next = null;
      };
    },
    tick() {
      const due = next;
      next = null;
      state.now += due?.ms ?? 0;
      due?.work();
    },
  };
}

test('the loop deletes all that is older than it keeps, some at a time, and comes again the next day', async () => {
  const ledger = await testLedger();
  const { retention, runs, clock: state } = ledger;
  const ids = Array.from({ length: 1_100 }, (_, index) => `frr_${index}`);
  await runs.observe(ids.map((id) => seen(id, 'SUCCEEDED')));
  await fill(ledger, 'old');
  const clock = handClock(state);
  const loop = new RetentionLoop({ retention, days: 31, log: pino({ level: 'silent' }), clock });
  loop.start();
  state.now = T0 + 31 * DAY - 120_000;
  clock.tick();
  await until(async () => !(await retention.begin(DAY)));
  expect((await runs.transitions('frr_7', 0)).length).toBe(1);
  state.now = T0 + 32 * DAY;
  await until(async () => {
    clock.tick();
    return (await runs.transitions('frr_7', 0)).length === 0 && (await left(ledger)).intents.length === 2;
  });
  await loop.close();
  expect((await ledger.changes.after(0, 10)).map(({ id }) => id)).toEqual([
    'frr_old_running',
    'frr_old_made',
  ]);
  expect(await runs.count({}, 10_000)).toBe(1_103);
});
