import { expect, test } from 'vitest';
import { openEngine } from '../../src/ledger/open-engine.js';
import type { RunPageRequest } from '../../src/models/run-page.js';
import { testDatabaseUrl } from '../support/databases.js';
import { decode, messageOf, seen, T0, tempEngine, testLedger } from './support.js';

const FIRST: RunPageRequest = { filter: {}, direction: 'forward', limit: 10, after: null, before: null };

test('a ledger belongs to the upstream it was first used with, whatever the account', async () => {
  const engine = await tempEngine();
  await testLedger({ engine, upstream: 'https://api.one.test' });
  await testLedger({ engine, upstream: 'https://api.one.test', account: 'acct_2:live' });
  for (const account of ['acct_1:test', 'acct_3:test']) {
    const message = await messageOf(() => testLedger({ engine, upstream: 'http://127.0.0.1:1', account }));
    expect(message).toContain('https://api.one.test');
    expect(message).toContain('http://127.0.0.1:1');
  }
});

test('what was written is there after the database was closed and opened again', async () => {
  const url = await testDatabaseUrl();
  const engine = await openEngine(url);
  const before = await testLedger({ engine });
  await before.runs.observe([seen('frr_1', 'RUNNING')]);
  const key = await before.secret('files');
  await engine.close();
  const after = await testLedger({ engine: await tempEngine(url) });
  expect((await after.runs.page(FIRST, null)).runs.map(({ id }) => id)).toEqual(['frr_1']);
  expect(await after.secret('files')).toEqual(key);
});

test('a secret is 32 bytes, made once for each name and account', async () => {
  const engine = await tempEngine();
  const one = await testLedger({ engine });
  const two = await testLedger({ engine, account: 'acct_2:test' });
  const [a, again] = await Promise.all([one.secret('files'), one.secret('files')]);
  expect(a).toHaveLength(32);
  expect(again).toEqual(a);
  const all = [a, await one.secret('other'), await two.secret('files')].map((bytes) =>
    Buffer.from(bytes).toString('hex'),
  );
  expect(new Set(all).size).toBe(3);
});

test('two accounts in one file never see each other', async () => {
  const engine = await tempEngine();
  const one = await testLedger({ engine });
  const two = await testLedger({ engine, account: 'acct_2:test' });
  const request = { api: 'V1', reportType: 'balance.summary.1', parameters: {} } as const;
  await one.runs.observe([seen('frr_1', 'RUNNING'), seen('reprun_1', 'SUCCEEDED')]);
  await one.runs.note('V2', [{ id: 'reprun_noted' }]);
  const mine = { key: 'key', upstreamKey: 'up', attempt: 0 };
  const pending = { ...mine, key: 'pending', upstreamKey: 'up 2' };
  await one.intents.begin(mine.key, request, () => mine.upstreamKey);
  await one.intents.finish(mine, seen('frr_1', 'RUNNING'));
  await one.intents.begin(pending.key, request, () => pending.upstreamKey);
  await one.feeds.advance('V1', { complete: true });
  await one.reportTypes.put('V1', [{ id: 'balance.summary.1', body: {} }], T0);

  expect((await two.runs.get(['frr_1', 'reprun_1', 'reprun_noted'])).size).toBe(0);
  expect(await two.runs.page(FIRST, null)).toEqual({ runs: [], more: false, moreBefore: false });
  expect(await two.runs.count({}, 10)).toBe(0);
  expect(await two.runs.running('V1')).toEqual([]);
  expect(await two.runs.unread('V2', 10)).toEqual([]);
  expect(await two.runs.types('V1')).toEqual([]);
  expect(await two.runs.followed('V1')).toEqual([]);
  expect(await two.runs.transitions('frr_1', 0)).toEqual([]);
  expect(await two.runs.forget('reprun_noted')).toBe(false);
  expect(await two.intents.get('key')).toBe(null);
  expect(await two.intents.ownerOf('frr_1')).toBe(null);
  expect(await two.intents.close(pending, 'mine')).toBe(false);
  expect(await two.intents.take(pending)).toBe(null);
  expect(await two.intents.spend(pending)).toBe(null);
  await two.intents.makeDue();
  expect(await two.intents.claim(10)).toEqual([]);
  expect(await two.intents.list(['pending', 'done'], 10)).toEqual([]);
  await two.runs.note('V2', [{ id: 'reprun_2', upstreamKey: pending.upstreamKey }]);
  expect(await one.intents.get('pending')).toMatchObject({ state: 'pending' });
  expect(await two.intents.nextDue()).toBe(null);
  expect(await two.intents.begin('key', request, () => 'other')).toMatchObject({ kind: 'started' });
  expect((await two.feeds.get('V1')).complete).toBe(false);
  expect(await two.reportTypes.list('V1')).toEqual([]);

  await two.runs.observe([seen('frr_1', 'FAILED')]);
  await two.reportTypes.put('V1', [], T0, { replaceAll: true });
  expect((await one.runs.get(['frr_1'])).get('frr_1')?.status).toBe('RUNNING');
  expect(await one.reportTypes.list('V1')).toHaveLength(1);
});

test('a better decoder mends what an older one could not read, and what it read less well', async () => {
  const engine = await tempEngine();
  const old = await testLedger({ engine });
  await old.runs.observe([seen('frr_odd', 'paused'), seen('frr_worse', 'lost'), seen('frr_good', 'RUNNING')]);
  expect((await old.runs.page(FIRST, null)).runs).toHaveLength(1);
  const better = await testLedger({
    engine,
    decoderVersion: 2,
    decode: (api, raw) => {
      const word = raw['status'] === 'paused' ? { status: 'RUNNING', type: 'new.1' } : {};
      return { ...decode(api, { ...raw, ...word }), body: raw };
    },
  });
  const page = await better.runs.page({ ...FIRST, filter: { status: ['RUNNING'] } }, null);
  expect(page.runs.map(({ id }) => id)).toEqual(['frr_odd', 'frr_good']);
  expect(page.runs[0]?.reportTypeId).toBe('new.1');
  expect(await better.runs.transitions('frr_odd', 0)).toHaveLength(1);
  expect((await better.runs.get(['frr_worse'])).get('frr_worse')?.status).toBe(null);
  const kept = await engine.query<{ body: string }>("select body from runs where id = 'frr_odd'");
  expect(JSON.parse(kept[0]?.body ?? '')).toMatchObject({ status: 'paused' });
});

test('the marks of a feed and the rows of its read are written together or not at all', async () => {
  const { engine, feeds, runs } = await testLedger();
  const unread = {
    refreshed: null,
    newest: null,
    horizon: null,
    complete: false,
    eventCursor: null,
    swept: null,
    lost: null,
    losses: 0,
    gap: null,
  };
  expect(await feeds.get('V2')).toEqual(unread);
  const horizon = { createdAt: T0, id: 'reprun_1' };
  const report = await feeds.advance(
    'V2',
    { refreshed: T0 + 5, newest: T0, horizon, eventCursor: T0 + 4 },
    {
      items: [seen('reprun_1', 'FAILED')],
      notes: [{ id: 'reprun_1', endedAt: T0 + 1 }, { id: 'reprun_2' }],
      askedAt: T0 + 2,
    },
  );
  expect(report.changed).toEqual(['reprun_1']);
  expect((await runs.get(['reprun_1'])).get('reprun_1')?.run?.finishedAt).toBe(T0 + 1);
  expect(await runs.unread('V2', 5)).toEqual(['reprun_2']);
  await feeds.advance('V2', { complete: true, swept: T0 + 6 });
  const feed = {
    refreshed: T0 + 5,
    newest: T0,
    horizon,
    complete: true,
    eventCursor: T0 + 4,
    swept: T0 + 6,
    gap: null,
    lost: null,
    losses: 0,
  };
  expect(await feeds.get('V2')).toEqual(feed);
  expect(await feeds.get('V1')).toEqual(unread);

  // On both databases: an index that the new row would break.
  await engine.query('create unique index one_transition on transitions (account)');
  const failing = feeds.advance('V2', { refreshed: T0 + 9 }, { items: [seen('reprun_2', 'RUNNING')] });
  await expect(failing).rejects.toThrow(/unique/i);
  expect(await feeds.get('V2')).toEqual(feed);
  expect(await runs.unread('V2', 5)).toEqual(['reprun_2']);
});

test('report types are kept as they came, and a whole catalogue replaces what was there', async () => {
  const { reportTypes } = await testLedger();
  await reportTypes.put(
    'V1',
    [
      { id: 'b.1', body: { name: 'B' } },
      { id: 'a.1', body: { name: 'A' } },
    ],
    T0,
  );
  await reportTypes.put('V2', [{ id: 'report_1', body: { name: 'two' } }], T0);
  await reportTypes.put('V1', [{ id: 'b.1', body: { name: 'better' } }], T0 + 1);
  const a = { id: 'a.1', api: 'V1', body: { name: 'A' }, refreshed: T0 };
  const b = { id: 'b.1', api: 'V1', body: { name: 'better' }, refreshed: T0 + 1 };
  expect(await reportTypes.list('V1')).toEqual([a, b]);
  expect(await reportTypes.get('b.1')).toEqual(b);
  expect(await reportTypes.get('c.1')).toBe(null);
  await reportTypes.put('V1', [{ id: 'c.1', body: {} }], T0 + 2, { replaceAll: true });
  expect((await reportTypes.list('V1')).map(({ id }) => id)).toEqual(['c.1']);
  expect(await reportTypes.get('report_1')).toMatchObject({ body: { name: 'two' } });
});
