import * as fc from 'fast-check';
import { expect, inject, test } from 'vitest';
import { until } from '../support/until.js';
import { ACCOUNT, seen, T0, type TestLedger, testLedger } from './support.js';

const RUN = 'reprun_1';

/** What changes with every row that is written, per engine. */
const CHANGES = {
  sqlite: 'select total_changes() as n',
  postgres: "select string_agg(id || ' ' || xmin::text, ', ' order by id) as n from runs",
};

/** The run as the ledger shows it, without what the decoder adds. */
async function shown({ runs }: TestLedger, id: string): Promise<unknown> {
  const kept = (await runs.get([id])).get(id);
  return kept && [kept.version, kept.status, kept.run?.finishedAt ?? null];
}

test('a run goes from unread over RUNNING to its end, each step a version, a transition and a notification', async () => {
  const ledger = await testLedger();
  const { runs, clock, engine } = ledger;
  const heard: string[] = [];
  engine.onNotify((topic) => heard.push(topic));
  await runs.note('V2', [{ id: RUN }]);
  expect(await shown(ledger, RUN)).toEqual([0, null, null]);
  expect(await runs.observe([seen(RUN, 'RUNNING')])).toEqual({
    changed: [RUN],
    conflicts: [],
    unreadable: [],
  });
  clock.now += 500;
  expect(await runs.observe([seen(RUN, 'SUCCEEDED')])).toMatchObject({ changed: [RUN] });
  expect(await shown(ledger, RUN)).toEqual([2, 'SUCCEEDED', T0 + 500]);
  expect(await runs.transitions(RUN, 0)).toEqual([
    { version: 1, status: 'RUNNING', at: T0 },
    { version: 2, status: 'SUCCEEDED', at: T0 + 500 },
  ]);
  expect(await runs.transitions(RUN, 1)).toHaveLength(1);
  const step = [`run:${ACCOUNT}:${RUN}`, `runs:${ACCOUNT}`];
  await until(() => heard.length === 4);
  expect(heard).toEqual([...step, ...step]);
});

test('the same status with another body keeps the newer body and is no transition', async () => {
  const ledger = await testLedger();
  const { runs, engine } = ledger;
  const heard: string[] = [];
  engine.onNotify((topic) => heard.push(topic));
  await runs.observe([seen(RUN, 'RUNNING')]);
  expect(await runs.observe([seen(RUN, 'RUNNING', { type: 'report_other' })])).toMatchObject({ changed: [] });
  expect((await runs.get([RUN])).get(RUN)?.run?.reportTypeId).toBe('report_other');
  expect(await runs.types('V2')).toEqual(['report_other']);
  expect(await shown(ledger, RUN)).toEqual([1, 'RUNNING', null]);
  await engine.tx(async (tx) => tx.notify('the end'));
  await until(() => heard.includes('the end'));
  expect(heard).toEqual([`run:${ACCOUNT}:${RUN}`, `runs:${ACCOUNT}`, 'the end']);
});

test('a run that succeeded cannot fail, nor the other way round: the first is kept and the conflict reported', async () => {
  const ledger = await testLedger();
  for (const [first, second] of [
    ['SUCCEEDED', 'FAILED'],
    ['FAILED', 'SUCCEEDED'],
  ] as const) {
    const id = `reprun_${first}`;
    await ledger.runs.observe([seen(id, first)]);
    const report = await ledger.runs.observe([seen(id, second)]);
    expect(report).toEqual({ changed: [], conflicts: [id], unreadable: [] });
    expect(await shown(ledger, id)).toEqual([1, first, null]);
    expect((await ledger.runs.get([id])).get(id)?.run?.status).toBe(first);
  }
});

test('one call with several looks at a run takes each of its steps', async () => {
  const ledger = await testLedger();
  const looks = ['RUNNING', 'SUCCEEDED', 'RUNNING'].map((status) => seen(RUN, status));
  expect(await ledger.runs.observe(looks)).toMatchObject({ changed: [RUN] });
  expect(await ledger.runs.transitions(RUN, 0)).toMatchObject([
    { status: 'RUNNING' },
    { status: 'SUCCEEDED' },
  ]);
});

test('an unreadable answer is kept raw while nothing better is known, and never takes a status away', async () => {
  const ledger = await testLedger();
  const { runs } = ledger;
  expect(await runs.observe([seen(RUN, 'paused')])).toEqual({
    changed: [],
    conflicts: [],
    unreadable: [RUN],
  });
  expect((await runs.get([RUN])).get(RUN)).toMatchObject({
    version: 0,
    status: null,
    run: null,
    unreadableReason: 'expected a known status, got paused',
  });
  expect(await runs.unread('V2', 10)).toEqual([]);
  await runs.observe([seen(RUN, 'RUNNING')]);
  expect(await runs.observe([seen(RUN, 'paused')])).toMatchObject({ changed: [], unreadable: [RUN] });
  expect(await shown(ledger, RUN)).toEqual([1, 'RUNNING', null]);
});

test('looks at runs in any order, number and grouping end alike, and versions only grow', async () => {
  const ledger = await testLedger();
  let round = 0;
  const look = fc.record({
    run: fc.nat(2),
    word: fc.constantFrom('RUNNING', 'RUNNING', 'end', 'end', 'paused', 'note'),
  });
  const property = fc.asyncProperty(
    fc.array(look, { maxLength: 14 }),
    fc.array(fc.nat(3), { minLength: 1, maxLength: 5 }),
    fc.tuple(...[0, 1, 2].map(() => fc.constantFrom('SUCCEEDED', 'FAILED'))),
    async (looks, sizes, ends) => {
      round += 1;
      const ids = [0, 1, 2].map((run) => `reprun_${round}_${run}`);
      const versions = new Map<string, number>();
      for (let i = 0, turn = 0; i < looks.length; turn += 1) {
        const group = looks.slice(i, i + 1 + (sizes[turn % sizes.length] ?? 0));
        i += group.length;
        ledger.clock.now += 1;
        for (const { run } of group.filter(({ word }) => word === 'note')) {
          await ledger.runs.note('V2', [{ id: ids[run] ?? '', createdAt: T0 }]);
        }
        const items = group
          .filter(({ word }) => word !== 'note')
          .map(({ run, word }) => {
            const status = word === 'end' ? (ends[run] ?? '') : word;
            return seen(ids[run] ?? '', status, word === 'end' ? { finished: T0 + run } : {});
          });
        const { changed, conflicts } = await ledger.runs.observe(items);
        expect(conflicts).toEqual([]);
        for (const [id, kept] of await ledger.runs.get(ids)) {
          const before = versions.get(id) ?? 0;
          expect(kept.version).toBeGreaterThanOrEqual(before);
          expect(changed.includes(id)).toBe(kept.version > before);
          versions.set(id, kept.version);
        }
      }
      for (const [run, id] of ids.entries()) {
        const words = looks.filter((one) => one.run === run).map(({ word }) => word);
        const status = words.includes('end') ? ends[run] : words.includes('RUNNING') ? 'RUNNING' : null;
        const kept = (await ledger.runs.get([id])).get(id);
        expect(kept?.status ?? null).toBe(status);
        expect(kept?.run?.finishedAt ?? null).toBe(words.includes('end') ? T0 + run : null);
        expect(kept?.run === null || kept === undefined).toBe(status === null);
        const steps = await ledger.runs.transitions(id, 0);
        const path = status === null ? [] : kept?.version === 2 ? ['RUNNING', status] : [status];
        expect(steps.map((step) => step.status)).toEqual(path);
        expect(steps.map(({ version }) => version)).toEqual(path.map((_, i) => i + 1));
        expect(kept?.version ?? 0).toBe(path.length);
      }
    },
  );
  await fc.assert(property, { numRuns: 150 });
});

test('an observation that fails half way leaves nothing of itself', async () => {
  const ledger = await testLedger();
  const work = ledger.engine.tx(async (tx) => {
    await ledger.runs.observe([seen(RUN, 'RUNNING')], { tx });
    throw new Error('something else failed');
  });
  await expect(work).rejects.toThrow('something else failed');
  expect((await ledger.runs.get([RUN])).size).toBe(0);
  expect(await ledger.runs.transitions(RUN, 0)).toEqual([]);
});

test('nothing is written for what is known already', async () => {
  const ledger = await testLedger();
  const items = [seen(RUN, 'RUNNING'), seen('frr_1', 'SUCCEEDED', { finished: T0 }), seen('frr_2', 'paused')];
  await ledger.runs.observe(items);
  await ledger.runs.note('V2', [{ id: 'reprun_noted', createdAt: T0, endedAt: T0 }]);
  const changes = (): Promise<unknown> => ledger.engine.query(CHANGES[inject('engine')]);
  const before = await changes();
  await ledger.runs.observe([...items, ...items]);
  await ledger.runs.note('V2', [
    { id: 'reprun_noted', createdAt: T0, endedAt: T0 },
    { id: RUN, createdAt: T0 },
  ]);
  expect(await changes()).toEqual(before);
});
