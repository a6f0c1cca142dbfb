import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import type { Intent, IntentState } from '../../src/ledger/intent-rows.js';
import type { Intents } from '../../src/ledger/intents.js';
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

/** The intent in the hands of whoever took it up last. */
async function held(intents: Intents, key: string): Promise<Intent> {
  const intent = await intents.get(key);
  if (intent === null) throw new Error(`there is no intent ${key}`);
  return intent;
}

/** Upstream keys `up-1`, `up-2`, … */
function keys(): () => string {
  let made = 0;
  return () => `up-${++made}`;
}

test('an intent is kept with its request and upstream key before anything is POSTed, and outlives the process', async () => {
  const engine = await tempEngine();
  const ledger = await testLedger({ engine });
  const begun = await ledger.intents.begin('key', REQUEST, keys());
  const intent = {
    key: 'key',
    request: REQUEST,
    upstreamKey: 'up-1',
    keyedAt: T0,
    spentAt: null,
    state: 'pending',
    runId: null,
    error: null,
    attempt: 0,
    createdAt: T0,
    due: T0 + 60_000,
    endedAt: null,
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
  const { applied, report } = await intents.finish(await held(intents, 'key'), seen('frr_1', 'RUNNING'));
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
  const mine = await held(intents, 'key');
  await engine.query('alter table transitions rename to away');
  await expect(intents.finish(mine, seen('frr_1', 'RUNNING'))).rejects.toThrow('transitions');
  await engine.query('alter table away rename to transitions');
  expect((await runs.get(['frr_1'])).size).toBe(0);
  expect(await intents.get('key')).toMatchObject({ state: 'pending' });
  expect(await intents.finish(mine, seen('frr_1', 'RUNNING'))).toMatchObject({ applied: true });
});

test('an answer that broke its contract still says which run the intent made', async () => {
  const { intents } = await testLedger();
  await intents.begin('key', REQUEST, keys());
  const report = { unreadable: ['frr_1'] };
  expect(await intents.finish(await held(intents, 'key'), seen('frr_1', 'paused'))).toMatchObject({
    applied: true,
    report,
  });
  expect(await intents.begin('key', REQUEST, keys())).toEqual({ kind: 'done', runId: 'frr_1' });
});

const keysOf = (list: readonly Intent[]): readonly string[] => list.map(({ key }) => key);

test('a claim takes what is due, the longest due first, and nobody else has it for a lease', async () => {
  const { clock, intents } = await testLedger();
  const key = keys();
  for (const name of ['a', 'b', 'c', 'd', 'e']) {
    await intents.begin(name, REQUEST, key, name === 'e' ? 30_000 : 0);
    clock.now += 1;
  }
  await intents.postpone(await held(intents, 'a'), T0 + 90_000, 'timed out');
  await intents.close(await held(intents, 'c'), 'refused');
  expect(await intents.nextDue()).toBe(T0 + 60_001);
  clock.now = T0 + 60_000;
  expect(await intents.claim(10)).toEqual([]);
  clock.now = T0 + 60_003;
  expect(keysOf(await intents.claim(1))).toEqual(['b']);
  expect(await intents.claim(10)).toMatchObject([{ key: 'd', attempt: 1, due: T0 + 120_003 }]);
  expect(await intents.claim(10)).toEqual([]);
  expect(await intents.nextDue()).toBe(T0 + 90_000);
  clock.now = T0 + 120_003;
  expect(keysOf(await intents.claim(10)).toSorted()).toEqual(['a', 'b', 'd', 'e']);
  expect(await intents.get('a')).toMatchObject({ attempt: 1, error: 'timed out', state: 'pending' });
  expect(await intents.get('b')).toMatchObject({ attempt: 2 });
  for (const name of ['a', 'b', 'd', 'e']) await intents.giveUp(await held(intents, name), 'who knows');
  expect(await intents.nextDue()).toBe(null);
  expect(keysOf(await intents.list(['unknown'], 10))).toEqual(['a', 'b', 'd', 'e']);
  expect(keysOf(await intents.list(['unknown', 'closed'], 3))).toEqual(['a', 'b', 'c']);
});

test('after a restart all that are pending can be taken up at once', async () => {
  const { intents } = await testLedger();
  for (const name of ['a', 'b']) await intents.begin(name, REQUEST, () => name);
  await intents.close(await held(intents, 'b'), 'refused');
  await intents.makeDue();
  expect(keysOf(await intents.claim(10))).toEqual(['a']);
});

test('whoever was overtaken by a later attempt decides nothing any more, but the run that it started counts', async () => {
  const { engine, intents } = await testLedger();
  await intents.begin('key', REQUEST, keys());
  const first = await held(intents, 'key');
  const taken = await intents.take(first);
  const isContested = engine.isShared;
  expect(taken).toMatchObject({ intent: { attempt: 1, due: T0 + 60_000 }, isContested });
  expect(await intents.renew(first)).toBe(false);
  expect(await intents.close(first, 'refused')).toBe(false);
  expect(await intents.postpone(first, T0, 'later')).toBe(false);
  expect(await intents.rekey(first, 'fresh')).toBe(false);
  expect(await intents.giveUp(first, 'who knows')).toBe(false);
  const last = await held(intents, 'key');
  expect(last).toMatchObject({ attempt: 1, state: 'pending', upstreamKey: 'up-1', due: T0 + 60_000 });
  expect(await intents.renew(last)).toBe(true);
  expect(await intents.close(last, 'refused')).toBe(true);
  expect(await intents.get('key')).toMatchObject({ state: 'closed', endedAt: T0 });
  expect(await intents.finish(first, seen('frr_1', 'RUNNING'))).toMatchObject({ applied: true });
  expect(await intents.begin('key', REQUEST, keys())).toEqual({ kind: 'done', runId: 'frr_1' });
});

test('a run is adopted by one intent only, and not under an upstream key that was given up', async () => {
  const { intents } = await testLedger();
  for (const name of ['a', 'b']) await intents.begin(name, REQUEST, () => name);
  const [a, b] = [await held(intents, 'a'), await held(intents, 'b')];
  const run = seen('frr_1', 'RUNNING');
  expect(await intents.adopt(a, run)).toMatchObject({ kind: 'adopted', report: { changed: ['frr_1'] } });
  expect(await intents.adopt(a, run)).toMatchObject({ kind: 'adopted', report: { changed: [] } });
  expect(await intents.adopt(b, run)).toEqual({ kind: 'owned', by: 'a' });
  await intents.rekey(b, 'fresh');
  expect(await intents.adopt(b, seen('frr_2', 'RUNNING'))).toEqual({ kind: 'lost' });
  expect(await intents.get('b')).toMatchObject({ state: 'pending', runId: null });
});

test('since when an upstream key is spent outlives the process, and goes with the key', async () => {
  const { clock, engine, intents } = await testLedger();
  await intents.begin('key', REQUEST, keys());
  const mine = await held(intents, 'key');
  expect(await intents.spend(mine)).toBe(T0);
  clock.now += 10;
  const again = await testLedger({ engine });
  expect(await again.intents.spend(mine)).toBe(T0);
  await intents.rekey(mine, 'fresh');
  expect(await intents.get('key')).toMatchObject({ upstreamKey: 'fresh', spentAt: null });
  expect(await intents.spend(mine)).toBe(null);
});

test('an event that names the upstream key ends an intent, also one that was given up or closed', async () => {
  const { intents, runs } = await testLedger();
  for (const name of ['pending', 'unknown', 'closed', 'done']) await intents.begin(name, REQUEST, () => name);
  await intents.giveUp(await held(intents, 'unknown'), 'who knows');
  await intents.close(await held(intents, 'closed'), 'refused');
  await intents.finish(await held(intents, 'done'), seen('reprun_own', 'RUNNING'));
  const notes = ['pending', 'unknown', 'closed', 'done', 'nobody’s'].map((name) => ({
    id: `reprun_${name}`,
    upstreamKey: name,
  }));
  await runs.note('V2', [...notes, { id: 'reprun_keyless', upstreamKey: null }]);
  for (const name of ['pending', 'unknown', 'closed']) {
    expect(await intents.get(name)).toMatchObject({ state: 'done', runId: `reprun_${name}`, endedAt: T0 });
  }
  expect(await intents.get('done')).toMatchObject({ runId: 'reprun_own' });
  // The answer to the POST itself may come after the event.
  const late = await intents.finish(await held(intents, 'pending'), seen('reprun_pending', 'RUNNING'));
  expect(late.applied).toBe(true);
});

test('an intent that began anew has a fresh upstream key, request and clock', async () => {
  const { clock, intents } = await testLedger();
  const key = keys();
  await intents.begin('key', REQUEST, key);
  await intents.postpone(await held(intents, 'key'), T0 + 1, 'timed out');
  await intents.close(await held(intents, 'key'), 'refused');
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
  expect(await intents.rekey(await held(intents, 'key'), 'up-3')).toBe(true);
  expect(await intents.get('key')).toMatchObject({
    upstreamKey: 'up-3',
    createdAt: T0 + 10,
    keyedAt: T0 + 20,
  });
});

test('whatever is tried in whatever order, an intent moves only as its states allow and keeps its run', async () => {
  const { clock, intents } = await testLedger();
  const step = fc.constantFrom(
    'begin',
    'begin',
    'other',
    'take',
    'finish',
    'close',
    'postpone',
    'rekey',
    'giveUp',
    'dismiss',
  );
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
      const last = (await intents.get(key)) ?? { key, upstreamKey: 'none', attempt: 0 };
      let answer: unknown;
      let allowed: unknown = pending;
      switch (name) {
        case 'begin':
        case 'other': {
          const asked = name === 'begin' ? REQUEST : OTHER;
          answer = (await intents.begin(key, asked, up)).kind;
          const free = state === null || state === 'closed';
          allowed = free ? 'started' : asked === request ? state : 'mismatch';
          if (free) [state, request, attempt, runId] = ['pending', asked, 0, null];
          break;
        }
        case 'finish':
          answer = (await intents.finish(last, seen(`frr_${round}_${i}`, 'RUNNING'))).applied;
          allowed = state !== null && state !== 'done';
          if (allowed) [state, runId] = ['done', `frr_${round}_${i}`];
          break;
        case 'close':
          answer = await intents.close(last, 'refused');
          if (pending) state = 'closed';
          break;
        case 'postpone':
          answer = await intents.postpone(last, clock.now, 'later');
          break;
        case 'take':
          answer = (await intents.take(last)) !== null;
          if (pending) attempt += 1;
          break;
        case 'dismiss':
          answer = await intents.dismiss(key, 'there is none');
          allowed = state === 'unknown';
          if (allowed) state = 'closed';
          break;
        case 'rekey':
          answer = await intents.rekey(last, `fresh ${i}`);
          break;
        case 'giveUp':
          answer = await intents.giveUp(last, 'who knows');
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
