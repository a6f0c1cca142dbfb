import { expect, test } from 'vitest';
import { seen, T0, type TestLedger, testLedger } from './support.js';

/** The run as the ledger shows it, without what the decoder adds. */
async function shown({ runs }: TestLedger, id: string): Promise<unknown> {
  const kept = (await runs.get([id])).get(id);
  return kept && [kept.version, kept.status, kept.run?.finishedAt ?? null];
}

test('finishedAt is Stripe’s time, else the end event’s, else when the run was seen to change, else null', async () => {
  const { runs, clock } = await testLedger();
  const endedAt = (id: string): ReadonlyMap<string, number> => new Map([[id, T0 + 7]]);
  await runs.observe([seen('frr_stripe', 'SUCCEEDED', { finished: T0 + 3 })], {
    endedAt: endedAt('frr_stripe'),
  });
  await runs.observe([seen('reprun_event', 'SUCCEEDED')], { endedAt: endedAt('reprun_event') });
  await runs.note('V2', [{ id: 'reprun_noted', endedAt: T0 + 5 }]);
  await runs.observe([seen('reprun_noted', 'FAILED')]);
  await runs.observe([seen('reprun_late', 'RUNNING')]);
  await runs.observe([seen('reprun_change', 'RUNNING')]);
  clock.now += 11;
  await runs.observe([seen('reprun_change', 'FAILED')]);
  await runs.note('V2', [{ id: 'reprun_change', endedAt: T0 + 5 }]);
  await runs.note('V2', [{ id: 'reprun_late', endedAt: T0 + 9 }]);
  await runs.observe([seen('reprun_late', 'FAILED')]);
  await runs.observe([seen('reprun_early', 'RUNNING')], { endedAt: endedAt('reprun_early') });
  await runs.observe([seen('reprun_early', 'SUCCEEDED')]);
  await runs.observe([seen('reprun_nobody', 'SUCCEEDED')]);
  const finished = async (id: string): Promise<unknown> => (await runs.get([id])).get(id)?.run?.finishedAt;
  expect(await finished('frr_stripe')).toBe(T0 + 3);
  expect(await finished('reprun_event')).toBe(T0 + 7);
  expect(await finished('reprun_noted')).toBe(T0 + 5);
  expect(await finished('reprun_late')).toBe(T0 + 9);
  expect(await finished('reprun_early')).toBe(T0 + 7);
  expect(await finished('reprun_change')).toBe(T0 + 11);
  expect(await finished('reprun_nobody')).toBe(null);

  await runs.observe([seen('reprun_nobody', 'SUCCEEDED')], { endedAt: endedAt('reprun_nobody') });
  expect(await finished('reprun_nobody')).toBe(T0 + 7);
  await runs.observe([seen('reprun_nobody', 'SUCCEEDED', { finished: T0 + 8 })]);
  expect(await finished('reprun_nobody')).toBe(T0 + 7);
});

test('a note adds no more to a run that was read than an end nobody saw, and an id can be forgotten until it shows a status', async () => {
  const ledger = await testLedger();
  const { runs } = ledger;
  await runs.note('V2', [{ id: 'reprun_new', createdAt: T0 }, { id: 'reprun_old' }]);
  await runs.note('V2', [{ id: 'reprun_old', createdAt: T0 - 1 }]);
  await runs.note('V2', [{ id: 'reprun_ended', createdAt: T0 + 1 }]);
  await runs.note('V2', [{ id: 'reprun_ended', endedAt: T0 + 2 }]);
  expect(await runs.unread('V2', 10)).toEqual(['reprun_ended', 'reprun_new', 'reprun_old']);
  expect(await runs.forget('reprun_ended')).toBe(true);
  expect(await runs.unread('V2', 1)).toEqual(['reprun_new']);
  expect(await runs.unread('V1', 10)).toEqual([]);
  await runs.observe([seen('reprun_new', 'SUCCEEDED')]);
  await runs.note('V2', [{ id: 'reprun_new', createdAt: 0 }]);
  expect(await shown(ledger, 'reprun_new')).toEqual([1, 'SUCCEEDED', null]);
  expect((await runs.get(['reprun_new'])).get('reprun_new')?.run?.createdAt).toBe(T0);
  await runs.note('V2', [{ id: 'reprun_new', endedAt: T0 + 1 }]);
  await runs.note('V2', [{ id: 'reprun_new', endedAt: T0 + 2 }]);
  expect(await shown(ledger, 'reprun_new')).toEqual([1, 'SUCCEEDED', T0 + 1]);
  expect(await runs.forget('reprun_new')).toBe(false);
  expect(await runs.forget('reprun_old')).toBe(true);
  expect([...(await runs.get(['reprun_new', 'reprun_old'])).keys()]).toEqual(['reprun_new']);
});
