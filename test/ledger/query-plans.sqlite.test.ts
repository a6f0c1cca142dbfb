import { join } from 'node:path';
import Database from 'libsql';
import { expect, onTestFinished, test } from 'vitest';
import { statementsOfLists } from './statements.js';
import { tempEngine, tempFolder } from './support.js';

test('no list scans the table or sorts: every statement is a search in an index that has its order', async () => {
  const file = join(tempFolder(), 'ledger.db');
  const engine = await tempEngine(`file:${file}`);
  const asked = await statementsOfLists(engine);
  expect(asked.length).toBeGreaterThan(100);
  await engine.close();
  // On a connection of its own: libsql never ends an `explain`, and the engine could not leave WAL.
  const db = new Database(file);
  onTestFinished(() => void db.close());
  const plans = new Map<string, string>();
  for (const { sql, params } of asked) {
    const steps = db.prepare(`explain query plan ${sql}`).all(params) as { detail: string }[];
    plans.set(sql, steps.map(({ detail }) => detail).join('; '));
  }
  const bad = [...plans].filter(([, plan]) => /\bSCAN (?!matching|\(subquery)|TEMP B-TREE/.test(plan));
  expect(bad).toEqual([]);
  for (const plan of plans.values()) expect(plan).toMatch(/SEARCH \w+ USING (COVERING )?INDEX/);
});
