import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import type { IntentState } from '../../src/ledger/intents.js';
import type { CreateReportRunRequest } from '../../src/models/create-report-run.js';
import { seen, T0, tempEngine, testLedger } from './support.js';

const REQUEST: CreateReportRunRequest = {
  api: 'V1',
  reportType: 'balance.summary.1',
  parameters: { interval_start: 1, interval_end: 2, more: { a: [1, { x: 1, y: 2 }], b: null } },
};

/** The same request with its keys in another order. */
const SAME: CreateReportRunRequest = {
  parameters: { more: { b: null, a: [1, { y: 2, x: 1 }] }, interval_end: 2, interval_start: 1 },
  reportType: 'balance.summary.1',
  api: 'V1',
};

const OTHER: CreateReportRunRequest = { ...REQUEST, parameters: { interval_start: 1, interval_end: 3 } };

/** Upstream keys `up-1`, `up-2`, … */
function keys(): () => string {
  let made = 0;
  return () => `up-${++made}`;
}

test('an intent is kept with its request and upstream key before anything is POSTed, and outlives the process', async () => {
  const engine = tempEngine();
  const ledger = await testLedger({ engine });
  const begun = await ledger.intents.begin('key', REQUEST, keys());
  const intent = {
    key: 'key',
    request: REQUEST,
    upstreamKey: 'up-1',
    keyedAt: T0,
    state: 'pending',
    runId: null,
    error: null,
    attempt: 0,
    createdAt: T0,
    due: T0 + 30_000,
  };
  expect(begun).toEqual({ kind: 'started', intent });
  const again = await testLedger({ engine });
  expect(await again.intents.get('key')).toEqual(intent);
  expect(await again.intents.begin('key', SAME, () => 'never')).toEqual({ kind: 'pending', intent });
  expect(await again.intents.get('other')).toBe(null);
});

test('finishing writes the run, its transition and the end of the intent together', async () => {
  const { intents, runs } = await testLedger();
  await intents.begin('key', REQUEST, keys());
  const { applied, report } = await intents.finish('key', seen('frr_1', 'RUNNING'));
  expect([applied, report.changed]).toEqual([true, ['frr_1']]);
  expect(await intents.begin('key', SAME, keys())).toEqual({ kind: 'done', runId: 'frr_1' });
  expect(await intents.begin('key', OTHER, keys())).toEqual({ kind: 'mismatch' });
  expect(await intents.ownerOf('frr_1')).toBe('key');
  expect(await intents.ownerOf('frr_2')).toBe(null);
  expect((await runs.get(['frr_1'])).get('frr_1')?.status).toBe('RUNNING');
  expect(await runs.transitions('frr_1', 0)).toHaveLength(1);
});

test('a run that could not be written leaves its intent pending', async () => {
  const { engine, intents, runs } = await testLedger();
  await intents.begin('key', REQUEST, keys());
  await engine.query(
    "create trigger full before update on intents begin select raise(abort, 'no room'); end",
  );
  await expect(intents.finish('key', seen('frr_1', 'RUNNING'))).rejects.toThrow('no room');
  expect((await runs.get(['frr_1'])).size).toBe(0);
  await engine.query('drop trigger full');
  expect(await intents.finish('key', seen('frr_1', 'RUNNING'))).toMatchObject({ applied: true });
});

test('an answer that broke its contract still says which run the intent made', async () => {
  const { intents } = await testLedger();
  await intents.begin('key', REQUEST, keys());
  const report = { unreadable: ['frr_1'] };
  expect(await intents.finish('key', seen('frr_1', 'paused'))).toMatchObject({ applied: true, report });
  expect(await intents.begin('key', REQUEST, keys())).toEqual({ kind: 'done', runId: 'frr_1' });
});

test('intents come due in the order of their time, and after a restart all that are pending can be taken up', async () => {
  const { clock, intents } = await testLedger();
  const key = keys();
  for (const name of ['a', 'b', 'c', 'd']) {
    await intents.begin(name, REQUEST, key);
    clock.now += 1;
  }
  await intents.postpone('a', T0 + 90_000, 'timed out');
  await intents.close('c', 'refused');
  expect(await intents.nextDue()).toBe(T0 + 30_001);
  const due = async (now: number, limit = 10): Promise<readonly string[]> =>
    (await intents.due(now, limit)).map((intent) => intent.key);
  expect(await due(T0 + 30_000)).toEqual([]);
  expect(await due(T0 + 30_001)).toEqual(['b']);
  expect(await due(Number.MAX_SAFE_INTEGER)).toEqual(['b', 'd', 'a']);
  expect(await due(Number.MAX_SAFE_INTEGER, 2)).toEqual(['b', 'd']);
  expect(await intents.get('a')).toMatchObject({ attempt: 1, error: 'timed out', state: 'pending' });
  for (const name of ['a', 'b', 'd']) await intents.giveUp(name, 'who knows');
  expect(await intents.nextDue()).toBe(null);
});

test('an intent that began anew has a fresh upstream key, request and clock', async () => {
  const { clock, intents } = await testLedger();
  const key = keys();
  await intents.begin('key', REQUEST, key);
  await intents.postpone('key', T0 + 1, 'timed out');
  await intents.close('key', 'refused');
  clock.now += 10;
  const begun = await intents.begin('key', OTHER, key);
  expect(begun).toMatchObject({
    kind: 'started',
    intent: {
      upstreamKey: 'up-2',
      request: OTHER,
      attempt: 0,
      error: null,
      createdAt: T0 + 10,
      keyedAt: T0 + 10,
    },
  });
  clock.now += 10;
  expect(await intents.rekey('key', 'up-3')).toBe(true);
  expect(await intents.get('key')).toMatchObject({
    upstreamKey: 'up-3',
    createdAt: T0 + 10,
    keyedAt: T0 + 20,
  });
});

test('whatever is tried in whatever order, an intent moves only as its states allow and keeps its run', async () => {
  const { clock, intents } = await testLedger();
  const step = fc.constantFrom('begin', 'begin', 'other', 'finish', 'close', 'postpone', 'rekey', 'giveUp');
  let round = 0;
  const property = fc.asyncProperty(fc.array(step, { maxLength: 12 }), async (steps) => {
    round += 1;
    const key = `key ${round}`;
    const up = keys();
    let state: IntentState | null = null;
    let request = REQUEST;
    let runId: string | null = null;
    let attempt = 0;
    for (const [i, name] of steps.entries()) {
      const pending: boolean = state === 'pending';
      clock.now += 1;
      let answer: unknown;
      let allowed: unknown = pending;
      switch (name) {
        case 'begin':
        case 'other': {
          const asked = name === 'begin' ? REQUEST : OTHER;
          answer = (await intents.begin(key, asked, up)).kind;
          const free = state === null || state === 'closed';
          allowed = free ? 'started' : asked === request ? state : 'mismatch';
          if (free) [state, request, attempt] = ['pending', asked, 0];
          break;
        }
        case 'finish':
          answer = (await intents.finish(key, seen(`frr_${round}_${i}`, 'RUNNING'))).applied;
          allowed = pending || state === 'unknown';
          if (allowed) [state, runId] = ['done', `frr_${round}_${i}`];
          break;
        case 'close':
          answer = await intents.close(key, 'refused');
          if (pending) state = 'closed';
          break;
        case 'postpone':
          answer = await intents.postpone(key, clock.now, 'later');
          if (pending) attempt += 1;
          break;
        case 'rekey':
          answer = await intents.rekey(key, `fresh ${i}`);
          break;
        case 'giveUp':
          answer = await intents.giveUp(key, 'who knows');
          if (pending) state = 'unknown';
          break;
        default:
          name satisfies never;
      }
      expect(answer).toBe(allowed);
      const kept = await intents.get(key);
      expect(kept && [kept.state, kept.request, kept.runId, kept.attempt]).toEqual(
        state && [state, request, runId, attempt],
      );
    }
  });
  await fc.assert(property, { numRuns: 100 });
});

test('two requests under one key at once start one intent', async () => {
  const { intents } = await testLedger();
  const up = keys();
  const begun = await Promise.all([1, 2, 3].map(() => intents.begin('key', REQUEST, up)));
  expect(begun.map(({ kind }) => kind)).toEqual(['started', 'pending', 'pending']);
  expect(await intents.get('key')).toMatchObject({ upstreamKey: 'up-1' });
});
