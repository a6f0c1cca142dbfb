import { join } from 'node:path';
import { expect, test } from 'vitest';
import { smallDisk } from '../support/small-disk.js';
import { messageOf, tempEngine, tempFolder } from './support.js';

test('a full disk is said, what was acknowledged stays, nothing else does, and writing goes on when there is room', async () => {
  const disk = smallDisk(1);
  const engine = await tempEngine(`file:${join(disk?.folder ?? tempFolder(), 'ledger.db')}`);
  // Where no disk can be made, SQLite's own bound is the end of the room: it fails as a full disk does.
  if (disk === null) await engine.query('pragma max_page_count = 100');
  await engine.query('create table t (id bigint, filler text)');
  let acknowledged = 0;
  const write = (): Promise<void> =>
    engine.tx(async (tx) => {
      for (const half of [0, 1]) {
        await tx.query('insert into t (id, filler) values (?, ?)', [
          acknowledged * 2 + half,
          'x'.repeat(20_000),
        ]);
      }
    });
  const message = await messageOf(async () => {
    for (; acknowledged < 1_000; acknowledged += 1) await write();
  });
  expect(message).toContain('Is the disk full?');
  expect(acknowledged).toBeGreaterThan(3);
  expect(await engine.query('select count(*) as n from t')).toEqual([{ n: 2 * acknowledged }]);
  if (disk === null) await engine.query('pragma max_page_count = 10000');
  else disk.grow(8);
  await write();
  expect(await engine.query('select count(*) as n from t')).toEqual([{ n: 2 * acknowledged + 2 }]);
});
