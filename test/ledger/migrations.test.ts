import { expect, test } from 'vitest';
import { migrate } from '../../src/ledger/migrations.js';
import { messageOf, seen, T0, tempEngine, testLedger } from './support.js';

test('an old ledger is brought up step by step, and a step that fails leaves the version before it', async () => {
  const engine = await tempEngine();
  const now = (): number => T0;
  const first = ['create table t (id text primary key)', "insert into t (id) values ('kept')"];
  const second = ['alter table t add column n bigint', 'update t set n = 1'];
  await migrate(engine, now, [first]);
  const failing = migrate(engine, now, [first, second, ['create table u (id text)', 'no such statement']]);
  await expect(failing).rejects.toThrow('syntax error');
  expect(await engine.query('select * from t')).toEqual([{ id: 'kept', n: 1 }]);
  expect(await engine.query('select version, applied from migrations order by version')).toEqual([
    { version: 1, applied: T0 },
    { version: 2, applied: T0 },
  ]);
  await expect(engine.query('select id from u')).rejects.toThrow(/no such table|does not exist/);
  await migrate(engine, now, [first, second, ['create table u (id text)']]);
  await migrate(engine, now, [first, second, ['create table u (id text)']]);
  expect(await engine.query('select max(version) as n, count(*) as steps from migrations')).toEqual([
    { n: 3, steps: 3 },
  ]);
});

test('a ledger one version newer is used as it is, one that is newer still is refused', async () => {
  const engine = await tempEngine();
  await testLedger({ engine });
  const [known] = await engine.query<{ n: number }>('select max(version) as n from migrations');
  const version = known?.n ?? 0;
  await engine.query('insert into migrations (version, applied) values (?, ?)', [version + 1, T0]);
  const ledger = await testLedger({ engine });
  await ledger.runs.observe([seen('frr_1', 'RUNNING')]);
  await engine.query('insert into migrations (version, applied) values (?, ?)', [version + 2, T0]);
  const message = await messageOf(() => testLedger({ engine }));
  expect(message).toContain(`version ${version + 2}`);
  expect(message).toContain('newer gateway');
});
