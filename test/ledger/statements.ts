import type { Engine, SqlValue } from '../../src/ledger/engine.js';
import type { RunFilter, RunPosition } from '../../src/models/run-page.js';
import { seen, T0, testLedger } from './support.js';

interface Statement {
  readonly sql: string;
  readonly params: readonly SqlValue[];
}

/** What lists, and whatever else reads many runs, ask the database: every statement with parameters of one asking. */
export async function statementsOfLists(engine: Engine): Promise<readonly Statement[]> {
  const asked: Statement[] = [];
  const record = (sql: string, params: readonly SqlValue[] = []): void => void asked.push({ sql, params });
  const recording: Engine = {
    ...engine,
    query: (sql, params) => {
      record(sql, params);
      return engine.query(sql, params);
    },
    tx: (work) =>
      engine.tx((tx) =>
        work({
          ...tx,
          query: (sql, params) => {
            record(sql, params);
            return tx.query(sql, params);
          },
        }),
      ),
    snapshot: (work) => recording.tx(work),
  };
  const ledger = await testLedger({ engine: recording });
  const { runs } = ledger;
  await runs.observe([seen('frr_1', 'RUNNING'), seen('frr_2', 'SUCCEEDED'), seen('reprun_1', 'FAILED')]);
  asked.length = 0;
  const at: RunPosition = { createdAt: T0, id: 'frr_1' };
  const range: RunFilter = { createdFrom: T0 - 1, createdBefore: T0 + 1 };
  const type = ['balance.summary.1', 'report_a'];
  const filters: RunFilter[] = [
    {},
    { api: 'V1' },
    { status: ['RUNNING'] },
    { status: ['SUCCEEDED', 'FAILED'] },
    { reportType: type },
    { api: 'V2', status: ['FAILED'], reportType: type },
  ];
  for (const one of filters.flatMap((part) => [part, { ...part, ...range }])) {
    for (const direction of ['forward', 'backward'] as const) {
      for (const place of [null, at]) {
        await runs.page({ filter: one, direction, limit: 5, after: place, before: null }, at);
        await runs.page({ filter: one, direction, limit: 5, after: null, before: place }, null);
      }
    }
    await runs.count(one, 10);
    await runs.runningIn(one, at, at, 5);
  }
  await runs.running('V1');
  await runs.running('V2', { ids: ['reprun_1', 'reprun_2'] });
  await runs.followed('V1');
  await runs.pace('V2', { least: 1_000, most: 15_000, young: 0 });
  await runs.unreadSince('V2');
  await runs.unreadAsked('V1', 0, 1);
  await runs.types('V2');
  await runs.unread('V2', 5);
  await runs.transitions('frr_1', 0);
  await ledger.changes.head();
  await ledger.changes.after(0, 100);
  await ledger.durations('balance.summary.1', 50);
  return asked;
}
