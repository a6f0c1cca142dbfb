import { expect, test } from 'vitest';
import { testDatabaseUrl } from '../support/databases.js';
import { startChild, tempEngine, testLedger } from './support.js';

test('a process killed while it writes loses no row that it had acknowledged', async () => {
  const url = await testDatabaseUrl();
  const acknowledged: string[] = [];
  for (const count of [1, 40, 150]) {
    const child = startChild('observe', url);
    await child.until(count);
    child.process.kill('SIGKILL');
    await child.ended;
    expect(child.lines.length).toBeGreaterThanOrEqual(count);
    acknowledged.push(...child.lines);
  }
  const { runs } = await testLedger({ engine: await tempEngine(url) });
  const kept = await runs.get(acknowledged);
  expect(acknowledged.filter((id) => !kept.has(id))).toEqual([]);
  for (const id of acknowledged) expect(await runs.transitions(id, 0)).toHaveLength(1);
});
