import { expect, test } from 'vitest';
import type { Engine } from '../../src/ledger/engine.js';
import { until } from '../support/until.js';
import { messageOf, tempEngine } from './support.js';

async function withTable(): Promise<Engine> {
  const engine = await tempEngine();
  await engine.query('create table t (id text primary key, n bigint)');
  return engine;
}

const insert = 'insert into t (id, n) values (?, ?)';
const count = 'select count(*) as n from t';

/** Something to await that takes more than the current turn. */
const aWhile = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 5));

test('values come back as they were stored, unix ms among them', async () => {
  const engine = await withTable();
  const rows = await engine.query(`${insert} returning id, n`, ['é"\u{1F600}', 1_800_000_000_123]);
  expect(rows).toEqual([{ id: 'é"\u{1F600}', n: 1_800_000_000_123 }]);
  expect(await engine.query('select n from t where id = ?', ['é"\u{1F600}'])).toEqual([
    { n: 1_800_000_000_123 },
  ]);
});

test('a transaction that fails leaves nothing, and the engine goes on', async () => {
  const engine = await withTable();
  const failing = engine.tx(async (tx) => {
    await tx.query(insert, ['a', 1]);
    await tx.query(insert, ['a', 2]);
  });
  await expect(failing).rejects.toThrow(/unique/i);
  await expect(
    engine.tx(async (tx) => {
      await tx.query(insert, ['b', 1]);
      throw new Error('changed my mind');
    }),
  ).rejects.toThrow('changed my mind');
  expect(await engine.query(count)).toEqual([{ n: 0 }]);
  await engine.tx((tx) => tx.query(insert, ['a', 1]));
  expect(await engine.query(count)).toEqual([{ n: 1 }]);
});

test('a query outside sees no row of a transaction that is still open', async () => {
  const engine = await withTable();
  const counted: Promise<readonly unknown[]>[] = [];
  const failing = engine.tx(async (tx) => {
    await tx.query(insert, ['a', 1]);
    counted.push(engine.query(count));
    await aWhile();
    throw new Error('rolled back');
  });
  await expect(failing).rejects.toThrow('rolled back');
  expect(await Promise.all(counted)).toEqual([[{ n: 0 }]]);
});

test('transactions take their turns in the order they were asked for', async () => {
  const engine = await withTable();
  const add = (id: string): Promise<unknown> =>
    engine.tx(async (tx) => {
      const [before] = await tx.query<{ n: number }>(count);
      await aWhile();
      await tx.query(insert, [id, before?.n ?? -1]);
    });
  const first = add('a');
  const others = ['b', 'c', 'd'].map(add);
  await Promise.all([first, ...others]);
  expect(await engine.query('select id, n from t order by n')).toEqual(
    ['a', 'b', 'c', 'd'].map((id, n) => ({ id, n })),
  );
});

test('listeners hear each topic of a transaction once, after the commit, until they leave', async () => {
  const engine = await withTable();
  const heard: string[] = [];
  const leave = engine.onNotify((topic) => heard.push(topic));
  await engine.tx(async (tx) => {
    tx.notify('one');
    tx.notify('one');
    tx.notify('two');
    await aWhile();
    expect(heard).toEqual([]);
  });
  await until(() => heard.length >= 2);
  expect(heard).toEqual(['one', 'two']);
  const others: string[] = [];
  engine.onNotify((topic) => others.push(topic));
  leave();
  await engine.tx(async (tx) => tx.notify('three'));
  await until(() => others.length > 0);
  expect(others).toEqual(['three']);
  expect(heard).toEqual(['one', 'two']);
});

test('a transaction that has ended cannot be used any more', async () => {
  const engine = await withTable();
  const late = await engine.tx(async (tx) => () => tx.query(insert, ['a', 1]));
  expect(await messageOf(late)).toContain('after it had ended');
  expect(await engine.query(count)).toEqual([{ n: 0 }]);
});
