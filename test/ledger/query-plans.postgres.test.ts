import { expect, test } from 'vitest';
import { toPostgres } from '../../src/ledger/postgres-sql.js';
import { statementsOfLists } from './statements.js';
import { ACCOUNT, T0, tempEngine } from './support.js';

/** Enough for a scan of them all to cost more than an index, most of them ended as in a ledger of some age. */
const RUNS = 20_000;

test('no list scans the table or sorts: every statement is a search in an index that has its order', async () => {
  const engine = await tempEngine();
  const asked = await statementsOfLists(engine);
  expect(asked.length).toBeGreaterThan(100);
  await engine.query(
    `insert into runs (account, id, api, type, status, created, version)
     select '${ACCOUNT}', 'frr_' || n, case when n % 2 = 0 then 'V1' else 'V2' end, 'type.' || n % 20,
       case when n % 100 = 0 then 'RUNNING' when n % 7 = 0 then 'FAILED' else 'SUCCEEDED' end, ${T0} + n, 1
     from generate_series(10, ${RUNS}) as n`,
  );
  await engine.query(
    `insert into transitions (account, id, version, status, at, seq)
     select account, id, 1, status, created, created from runs where id not in (select id from transitions)`,
  );
  await engine.query('analyze');
  const plans = new Map<string, string>();
  // A count stops at its cap, in whatever order, so that a scan of the first rows it meets may be the best there is.
  for (const { sql, params } of asked.filter(({ sql }) => !sql.startsWith('select count(*)'))) {
    const steps = await engine.query<Record<string, string>>(`explain ${sql}`, params);
    plans.set(toPostgres(sql), steps.map((step) => step['QUERY PLAN']).join('\n'));
  }
  const bad = [...plans].filter(([, plan]) => /Seq Scan|Sort/.test(plan));
  expect(bad).toEqual([]);
  for (const plan of plans.values()) expect(plan).toMatch(/Index (Only )?Scan/);
});
