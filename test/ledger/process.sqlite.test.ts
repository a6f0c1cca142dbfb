import { join } from 'node:path';
import { expect, test } from 'vitest';
import { openSqlite } from '../../src/ledger/sqlite.js';
import { messageOf, startChild, tempFolder, testLedger } from './support.js';

test('a second process on the same file is refused with a sentence, and may have it when the first has gone', async () => {
  const file = join(tempFolder(), 'ledger.db');
  const first = startChild('hold', `file:${file}`);
  await first.until(1);
  expect(first.lines).toEqual(['open']);

  const second = startChild('hold', `file:${file}`);
  expect(await second.ended).toBe(3);
  expect(second.lines[0]).toContain(file);
  expect(second.lines[0]).toContain('another gateway process has it open');
  expect(await messageOf(() => openSqlite(file))).toContain('another gateway process has it open');

  first.process.kill('SIGKILL');
  await first.ended;
  const third = startChild('hold', `file:${file}`);
  await third.until(1);
  expect(third.lines).toEqual(['open']);
});

test('a write that finds no room is rejected whole, what was acknowledged stays, and writing goes on when there is room', async () => {
  const file = join(tempFolder(), 'ledger.db');
  const child = startChild('fill', `file:${file}`, 2000);
  expect(await child.ended).toBe(0);
  const acknowledged = child.lines.filter((line) => line.startsWith('frr_a'));
  const [failed, kept, went] = child.lines.slice(acknowledged.length);
  const count = acknowledged.length;
  expect(count).toBeGreaterThan(5);
  expect(failed).toContain('failed LedgerError');
  expect(failed).toContain('Is the disk full?');
  expect(kept).toBe(`kept frr_a${count - 1} frr_b${count - 1} of ${count}`);
  expect(went).toBe('went on');

  const engine = openSqlite(file);
  try {
    const { runs } = await testLedger({ engine });
    const ids = Array.from({ length: count + 1 }, (_, i) => [`frr_a${i}`, `frr_b${i}`]).flat();
    expect((await runs.get(ids)).size).toBe(ids.length);
  } finally {
    await engine.close();
  }
});
