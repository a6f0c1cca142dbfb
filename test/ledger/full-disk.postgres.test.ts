import { chownSync } from 'node:fs';
import { Client } from 'pg';
import { expect, inject, onTestFinished, test } from 'vitest';
import type { Engine } from '../../src/ledger/engine.js';
import { testPostgresUrl } from '../support/databases.js';
import { serverUser } from '../support/postgres-server.js';
import { type SmallDisk, smallDisk } from '../support/small-disk.js';
import { messageOf, tempEngine } from './support.js';

async function asSuperuser(sql: string): Promise<void> {
  const client = new Client({ connectionString: inject('postgresUrl') });
  await client.connect();
  try {
    await client.query(sql);
  } finally {
    await client.end();
  }
}

/** A table on the disk, or where there is none, one that refuses its rows with the words and the code of a full disk. */
async function makeTable(engine: Engine, disk: SmallDisk | null): Promise<void> {
  if (disk !== null) {
    await engine.query('create table t (id bigint, filler text) tablespace small');
    return;
  }
  await engine.query('create table t (id bigint, filler text)');
  await engine.query(`create function refuse() returns trigger language plpgsql as $$ begin
    raise exception 'could not extend file: No space left on device' using errcode = '53100'; end $$`);
  await engine.query(
    'create trigger full_disk before insert on t for each row when (new.id > 10) execute function refuse()',
  );
}

test('a full disk is said, what was acknowledged stays, nothing else does, and writing goes on when there is room', async () => {
  const disk = smallDisk(1);
  if (disk !== null) {
    const user = serverUser();
    if (user !== null) chownSync(disk.folder, user.uid, user.gid);
    await asSuperuser(`create tablespace small location '${disk.folder}'`);
    onTestFinished(() => asSuperuser('drop tablespace small'));
  }
  const engine = await tempEngine(await testPostgresUrl());
  await makeTable(engine, disk);
  let acknowledged = 0;
  // Text that does not get smaller by being compressed.
  const filler = (): string =>
    Array.from({ length: 2_000 }, () => Math.random().toString(36).slice(2)).join('');
  const write = (): Promise<void> =>
    engine.tx(async (tx) => {
      for (const half of [0, 1]) {
        await tx.query('insert into t (id, filler) values (?, ?)', [acknowledged * 2 + half, filler()]);
      }
    });
  const message = await messageOf(async () => {
    for (; acknowledged < 1_000; acknowledged += 1) await write();
  });
  expect(message).toContain('Is its disk full?');
  expect(message).toContain('No space left on device');
  expect(acknowledged).toBeGreaterThan(3);
  expect(await engine.query('select count(*) as n from t')).toEqual([{ n: 2 * acknowledged }]);
  if (disk === null) await engine.query('drop trigger full_disk on t');
  else disk.grow(8);
  await write();
  expect(await engine.query('select count(*) as n from t')).toEqual([{ n: 2 * acknowledged + 2 }]);
});
