import { expect, test } from 'vitest';
import { FollowedReads } from '../../src/watch/followed-reads.js';
import { seen, testLedger } from '../ledger/support.js';

test('however many are woken at once, each run is read once for all of them, after they were woken', async () => {
  const ledger = await testLedger();
  await ledger.runs.observe([seen('frr_1', 'RUNNING'), seen('frr_2', 'RUNNING')]);
  const asked: string[] = [];
  const runs: typeof ledger.runs = {
    ...ledger.runs,
    get: (ids) => {
      asked.push([...ids].sort().join(' '));
      return ledger.runs.get(ids);
    },
    transitions: (id, after) => {
      asked.push(`transitions of ${id}`);
      return ledger.runs.transitions(id, after);
    },
  };
  const reads = new FollowedReads({ runs });
  const many = Array.from({ length: 500 }, (_, index) => reads.read(`frr_${1 + (index % 2)}`));
  expect((await Promise.all(many)).map(({ kept }) => kept?.version)).toEqual(many.map(() => 1));
  expect(asked).toEqual(['frr_1 frr_2']);

  const early = reads.read('frr_1');
  const ended = ledger.runs.observe([seen('frr_1', 'SUCCEEDED')]);
  await early;
  await ended;
  asked.length = 0;
  const late = await Promise.all([reads.read('frr_1'), reads.read('frr_1'), reads.read('frr_none')]);
  expect(late.map(({ kept }) => kept?.status)).toEqual(['SUCCEEDED', 'SUCCEEDED', undefined]);
  const transitions = await Promise.all(late.slice(0, 2).map((read) => read.transitions()));
  expect(transitions.map((some) => some.map(({ status }) => status))).toEqual([
    ['RUNNING', 'SUCCEEDED'],
    ['RUNNING', 'SUCCEEDED'],
  ]);
  expect(asked).toEqual(['frr_1 frr_none', 'transitions of frr_1']);
});

test('a ledger that cannot be read fails those who asked, and nobody after them', async () => {
  const ledger = await testLedger();
  await ledger.runs.observe([seen('frr_1', 'RUNNING')]);
  let isAway = true;
  const get: typeof ledger.runs.get = (ids) =>
    isAway ? Promise.reject(new Error('the ledger is away')) : ledger.runs.get(ids);
  const reads = new FollowedReads({ runs: { ...ledger.runs, get } });
  await expect(reads.read('frr_1')).rejects.toThrow('away');
  isAway = false;
  expect((await reads.read('frr_1')).kept?.status).toBe('RUNNING');
});
