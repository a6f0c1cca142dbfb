import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import type { Engine } from '../../src/ledger/engine.js';
import { openSqlite } from '../../src/ledger/sqlite.js';
import { messageOf, tempEngine, tempFolder } from './support.js';

async function withTable(): Promise<Engine> {
  const engine = tempEngine();
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
  await expect(failing).rejects.toThrow('UNIQUE');
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

test('a commit that is refused rejects and leaves nothing half done', async () => {
  const engine = await withTable();
  await engine.query('pragma foreign_keys = on');
  await engine.query('create table child (id text references t (id) deferrable initially deferred)');
  const topics: string[] = [];
  engine.onNotify((topic) => topics.push(topic));
  const failing = engine.tx(async (tx) => {
    await tx.query(insert, ['a', 1]);
    await tx.query("insert into child (id) values ('nobody')");
    tx.notify('never');
  });
  await expect(failing).rejects.toThrow('FOREIGN KEY');
  expect(await engine.query(count)).toEqual([{ n: 0 }]);
  await engine.tx((tx) => tx.query(insert, ['a', 1]));
  expect(await engine.query(count)).toEqual([{ n: 1 }]);
  expect(topics).toEqual([]);
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

test('transactions and queries take their turns in the order they were asked for', async () => {
  const engine = await withTable();
  const add = (id: string): Promise<unknown> =>
    engine.tx(async (tx) => {
      const [before] = await tx.query<{ n: number }>(count);
      await aWhile();
      await tx.query(insert, [id, before?.n ?? -1]);
    });
  const first = add('a');
  const between = engine.query(count);
  const others = ['b', 'c', 'd'].map(add);
  await Promise.all([first, ...others]);
  expect(await between).toEqual([{ n: 1 }]);
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
  await aWhile();
  expect(heard).toEqual(['one', 'two']);
  leave();
  await engine.tx(async (tx) => tx.notify('three'));
  await aWhile();
  expect(heard).toEqual(['one', 'two']);
});

test('a transaction that has ended cannot be used any more', async () => {
  const engine = await withTable();
  const late = await engine.tx(async (tx) => () => tx.query(insert, ['a', 1]));
  expect(await messageOf(late)).toContain('after it had ended');
  expect(await engine.query(count)).toEqual([{ n: 0 }]);
});

test('closing waits for what is under way, refuses what comes later and gives the file back', async () => {
  const file = join(tempFolder(), 'new', 'folders', 'ledger.db');
  const engine = openSqlite(file);
  await engine.query('create table t (id text primary key, n bigint)');
  const slow = engine.tx(async (tx) => {
    await aWhile();
    await tx.query(insert, ['a', 1]);
  });
  const closing = engine.close();
  expect(await messageOf(() => engine.query(count))).toContain(`${file} is closed`);
  await Promise.all([slow, closing, engine.close()]);
  expect(existsSync(`${file}-wal`)).toBe(false);
  const again = tempEngine(file);
  expect(await again.query(count)).toEqual([{ n: 1 }]);
  expect(await again.query('pragma journal_mode')).toEqual([{ journal_mode: 'wal' }]);
  expect(await again.query('pragma synchronous')).toEqual([{ synchronous: 2 }]);
  expect(await again.query('pragma locking_mode')).toEqual([{ locking_mode: 'exclusive' }]);
});

test('a file that is no database is refused by name and left as it is', async () => {
  const file = join(tempFolder(), 'notes.txt');
  const text = 'These are my notes, and they are not a database.\n'.repeat(100);
  writeFileSync(file, text);
  const message = await messageOf(() => openSqlite(file));
  expect(message).toContain(file);
  expect(message).toContain('not a SQLite database or is damaged');
  expect(readFileSync(file, 'utf8')).toBe(text);
});

test('a damaged database says which file it is when the damage is met', async () => {
  const file = join(tempFolder(), 'ledger.db');
  const engine = openSqlite(file);
  await engine.query('create table t (id text primary key, n bigint)');
  await engine.tx(async (tx) => {
    for (let i = 0; i < 2000; i += 1) await tx.query(insert, [`id ${i}`, i]);
  });
  await engine.close();
  const bytes = readFileSync(file);
  bytes.fill(0xab, 4096);
  writeFileSync(file, bytes);
  const broken = tempEngine(file);
  const message = await messageOf(() => broken.query('select sum(n) from t'));
  expect(message).toContain(file);
  expect(message).toContain('damaged');
});

test('a path that cannot be written is refused by name', async () => {
  const folder = tempFolder();
  const aFile = join(folder, 'file');
  writeFileSync(aFile, '');
  const aFolder = join(folder, 'folder');
  mkdirSync(aFolder);
  const below = join(aFile, 'below', 'ledger.db');
  expect(await messageOf(() => openSqlite(below))).toContain(below);
  const message = await messageOf(() => openSqlite(aFolder));
  expect(message).toContain(aFolder);
  expect(message).toContain('cannot be opened');
});
