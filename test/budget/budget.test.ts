import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { LedgerError } from '../../src/ledger/engine.js';
import { admitted, openBudgets, retries, type TestBudgets } from './support.js';

const LIST = 'GET /v1/reporting/report_runs';
const EVENTS = 'GET /v2/core/events';

let budgets: TestBudgets;
beforeEach(async () => {
  budgets = await openBudgets();
});
afterEach(() => budgets.close());

/** Takes all that a test account's bucket holds. */
async function emptyBucket(): Promise<void> {
  for (const endpoint of [LIST, EVENTS]) askMany(4, 'full', { endpoint });
  await budgets.clock.advance(0);
  expect(admitted(budgets.outcomes.splice(0))).toHaveLength(8);
}

function askMany(count: number, name: string, call: Parameters<TestBudgets['ask']>[1] = {}): void {
  for (let index = 0; index < count; index += 1) budgets.ask(`${name}${index}`, call);
}

describe('the order', () => {
  test('a person goes before a watched run, that before the rest, and who came first before who came later', async () => {
    await emptyBucket();
    for (const priority of ['rest', 'watched', 'person'] as const) askMany(2, priority, { priority });
    await budgets.clock.advance(1_500);
    expect(admitted(budgets.outcomes)).toEqual([
      'person0',
      'person1',
      'watched0',
      'watched1',
      'rest0',
      'rest1',
    ]);
  });

  test('the less important leave tokens behind, so that a person finds some at once', async () => {
    for (const endpoint of [LIST, EVENTS]) askMany(10, endpoint, { priority: 'rest', endpoint });
    await budgets.clock.advance(0);
    expect(admitted(budgets.outcomes)).toHaveLength(4);
    for (const endpoint of [LIST, EVENTS]) askMany(2, endpoint, { endpoint });
    await budgets.clock.advance(0);
    expect(admitted(budgets.outcomes)).toHaveLength(8);
  });

  test('one endpoint that is used up does not hold up another', async () => {
    askMany(6, 'list', { endpoint: LIST });
    askMany(2, 'events', { endpoint: EVENTS });
    await budgets.clock.advance(0);
    expect(admitted(budgets.outcomes)).toEqual(['list0', 'list1', 'list2', 'list3', 'events0', 'events1']);
  });

  test('unwatched work gets its turn in the end, however many persons come', async () => {
    await emptyBucket();
    budgets.ask('rest', { priority: 'rest' });
    budgets.ask('watched', { priority: 'watched' });
    for (let tenth = 0; tenth < 120; tenth += 1) {
      askMany(2, 'person', { endpoint: LIST });
      await budgets.clock.advance(100);
    }
    const lesser = budgets.outcomes.filter(({ call }) => call.priority !== 'person');
    expect(lesser.map(({ name, error }) => [name, error])).toEqual([
      ['watched', null],
      ['rest', null],
    ]);
  });
});

describe('a call that cannot be served in time', () => {
  test('is sent away at once, with the time when it is worth another try', async () => {
    askMany(100, 'person');
    await budgets.clock.advance(0);
    const later = retries(budgets.outcomes);
    expect(later.length).toBeGreaterThan(50);
    expect(later).toEqual([...later].sort((a, b) => a - b));
    expect(Math.min(...later)).toBe(3);
    expect(Math.max(...later)).toBeLessThan(8);
    await budgets.clock.advance(2_000);
    expect(budgets.outcomes).toHaveLength(100);
    expect(Math.max(...budgets.outcomes.map(({ at, askedAt }) => at - askedAt))).toBeLessThanOrEqual(2_000);
    expect(admitted(budgets.outcomes).length).toBeGreaterThan(30);
    expect(budgets.outcomes.find(({ error }) => error !== null)?.error).toMatchObject({
      kind: 'rate_limited',
      effect: 'none',
      message: expect.stringMatching(/ Try again in \d+ s\.$/),
    });
  });

  test('is sent away as soon as others who are more important leave no time for it', async () => {
    await emptyBucket();
    budgets.ask('rest', { priority: 'rest', waitMs: 1_000 });
    for (let tenth = 0; tenth < 12; tenth += 1) {
      askMany(2, 'person', { endpoint: LIST });
      await budgets.clock.advance(100);
    }
    const rest = budgets.outcomes.find(({ name }) => name === 'rest');
    expect(rest).toMatchObject({ error: { kind: 'rate_limited', retryAfter: 1 } });
    expect((rest?.at ?? 0) - (rest?.askedAt ?? 0)).toBeLessThanOrEqual(1_000);
  });

  test('is rejected with what the ledger said, where that could not be asked', async () => {
    await budgets.engine.query('drop table buckets');
    askMany(3, 'person');
    await budgets.clock.advance(0);
    expect(budgets.outcomes.map(({ error }) => error?.message)).toEqual(
      Array.from({ length: 3 }, () => expect.stringContaining('no such table: buckets')),
    );
  });

  test('does not hang where the ledger does', async () => {
    let release = () => {};
    const held = budgets.engine.tx(() => new Promise<void>((resolve) => (release = resolve)));
    budgets.ask('person', {});
    await budgets.clock.advance(2_999);
    expect(budgets.outcomes).toEqual([]);
    await budgets.clock.advance(1);
    expect(budgets.outcomes).toMatchObject([{ error: expect.any(LedgerError) }]);
    release();
    await held;
  });

  test('is sent away at shutdown, unless a person waits for it', async () => {
    await emptyBucket();
    askMany(1, 'watched', { priority: 'watched' });
    askMany(1, 'rest', { priority: 'rest' });
    budgets.ask('person', { endpoint: LIST });
    await budgets.clock.advance(0);
    budgets.budget().stop();
    askMany(1, 'late', { priority: 'rest' });
    await budgets.clock.advance(1_000);
    const gone = budgets.outcomes.filter(({ error }) => error !== null);
    expect(gone.map(({ name }) => name)).toEqual(['watched0', 'rest0', 'late0']);
    for (const { error } of gone) expect(error).toMatchObject({ kind: 'unavailable', effect: 'none' });
    expect(admitted(budgets.outcomes)).toContain('person');
  });
});

describe('the monthly cap', () => {
  test('slows unwatched work to one call a minute, once the month has had its reads, and nothing else', async () => {
    await budgets.close();
    budgets = await openBudgets({ monthlyReads: 10 });
    for (let second = 0; second < 600; second += 1) {
      budgets.ask('rest', { priority: 'rest' });
      budgets.ask('watched', { priority: 'watched' });
      budgets.ask('person', { endpoint: LIST });
      await budgets.clock.advance(1_000);
    }
    const names = admitted(budgets.outcomes);
    const counts = ['person', 'watched', 'rest'].map((name) => names.filter((one) => one === name).length);
    expect(counts.slice(0, 2)).toEqual([600, 600]);
    expect(counts[2]).toBeGreaterThanOrEqual(10);
    expect(counts[2]).toBeLessThanOrEqual(16);
    const refused = budgets.outcomes.filter(({ error }) => error !== null);
    for (const { at, askedAt, error } of refused) {
      expect(at).toBe(askedAt);
      expect(error).toMatchObject({ kind: 'rate_limited', retryAfter: expect.any(Number) });
    }
    expect(budgets.log).toMatchObject([{ level: 40, month: '2026-11', monthlyReads: 10, monthReads: 10 }]);
  });

  test('is lifted when a month begins, which is said', async () => {
    await budgets.close();
    budgets = await openBudgets({ monthlyReads: 5 });
    askMany(2, 'rest', { priority: 'rest', endpoint: LIST });
    askMany(4, 'person');
    await budgets.clock.advance(1_000);
    const toDecember = Date.UTC(2026, 11, 1) - budgets.clock.now();
    await budgets.clock.advance(toDecember);
    for (let second = 0; second < 4; second += 1) {
      budgets.ask('december', { priority: 'rest' });
      await budgets.clock.advance(1_000);
    }
    expect(admitted(budgets.outcomes).filter((name) => name === 'december')).toHaveLength(4);
    expect(budgets.log).toMatchObject([
      { level: 40, month: '2026-11', monthReads: expect.any(Number) },
      { level: 30, month: '2026-12', monthReads: 1 },
    ]);
    expect(await budgets.budget().usage()).toEqual({
      month: '2026-12',
      monthReads: 4,
      monthlyReads: 5,
      days: [
        { day: '2026-12-01', reads: 4 },
        { day: '2026-11-21', reads: 6 },
      ],
    });
  });
});
