import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import type { Engine } from '../../src/ledger/engine.js';
import { openSqlite } from '../../src/ledger/sqlite.js';
import { messageOf, tempEngine, tempFolder } from './support.js';

async function withTable(): Promise<Engine> {
  const engine = await tempEngine();
  await engine.query('create table t (id text primary key, n bigint)');
  return engine;
}

const insert = 'insert into t (id, n) values (?, ?)';
const count = 'select count(*) as n from t';

/** Something to await that takes more than the current turn. */
const aWhile = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 5));

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
  const again = await tempEngine(`file:${file}`);
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
  const broken = await tempEngine(`file:${file}`);
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
