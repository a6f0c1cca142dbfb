import { expect, onTestFinished, test } from 'vitest';
import { openEngine } from '../../src/ledger/open-engine.js';
import { inspectAccount, purgeAccount } from '../../src/ledger/purge.js';
import { testDatabaseUrl } from '../support/databases.js';
import { ACCOUNT, messageOf, seen, T0, type TestLedger, testLedger } from './support.js';

const REQUEST = { api: 'V1', reportType: 'balance.summary.1', parameters: {} } as const;

/** A row in every table. */
async function fill({ runs, intents, feeds, reportTypes, buckets, engine }: TestLedger, account: string) {
  await runs.observe([seen('frr_1', 'SUCCEEDED')]);
  for (const key of ['a', 'b']) await intents.begin(key, REQUEST, () => key);
  await feeds.advance('V1', { complete: true });
  await reportTypes.put('V1', [{ id: 'balance.summary.1', body: {} }], T0);
  await buckets.usage();
  await engine.query('insert into buckets (account, name, tokens, at, strikes) values (?, ?, ?, ?, ?)', [
    account,
    'all',
    1,
    T0,
    0,
  ]);
  await engine.query('insert into usage (account, day, reads) values (?, ?, ?)', [account, '2026-01-01', 1]);
  await engine.query('insert into files (account, run_id) values (?, ?)', [account, 'frr_1']);
}

test('an account is counted and deleted in every table, and no other account is touched', async () => {
  const url = await testDatabaseUrl();
  const engine = await openEngine(url, { isCommand: true });
  onTestFinished(() => engine.close());
  const other = 'acct_2:test';
  await fill(await testLedger({ engine }), ACCOUNT);
  await fill(await testLedger({ engine, account: other }), other);
  const tables = engine.isShared
    ? "select table_name as name from information_schema.columns where column_name = 'account' and table_schema = current_schema()"
    : "select m.name from sqlite_schema m join pragma_table_info(m.name) c on c.name = 'account' where m.type = 'table'";
  const names = (await engine.query<{ name: string }>(tables)).map(({ name }) => name);

  const before = await inspectAccount(engine, ACCOUNT);
  expect([...before.rows.keys()].sort()).toEqual(names.sort());
  expect([...before.rows].filter(([, count]) => count === 0)).toEqual([]);
  expect(before.openCreates).toBe(2);
  const kept = await inspectAccount(engine, other);

  const told: string[] = [];
  await purgeAccount(engine, ACCOUNT, (table, deleted) => told.push(`${table} ${deleted}`));
  expect(told).toContain('intents 2');
  expect(await messageOf(() => inspectAccount(engine, ACCOUNT))).toBe(
    `The ledger has nothing of ${ACCOUNT}. The accounts it has: ${other}.`,
  );
  expect(await inspectAccount(engine, other)).toEqual(kept);
});

test('more rows than one statement deletes go too', async () => {
  const engine = await openEngine(await testDatabaseUrl(), { isCommand: true });
  onTestFinished(() => engine.close());
  const { runs } = await testLedger({ engine });
  const ids = Array.from({ length: 2_300 }, (_, index) => `frr_${index}`);
  await runs.observe(ids.map((id) => seen(id, 'SUCCEEDED')));
  const told: string[] = [];
  await purgeAccount(engine, ACCOUNT, (table, deleted) => told.push(`${table} ${deleted}`));
  expect(told).toEqual(expect.arrayContaining(['runs 1000', 'runs 2000', 'runs 2300', 'transitions 2300']));
  expect(await runs.count({}, 10)).toBe(0);
});
