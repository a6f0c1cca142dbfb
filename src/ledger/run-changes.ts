import type { ReportRun, ReportRunStatus } from '../models/report-run.js';
import type { Asker, Engine } from './engine.js';
import type { Runs } from './runs.js';

/** A transition of one of the account's runs. */
export interface RunChange {
  /** Its place among the transitions of all runs: unix ms, or a little more where many came at once. */
  readonly seq: number;
  readonly id: string;
  readonly version: number;
  /** What the run became. */
  readonly status: ReportRunStatus;
  /** When the ledger saw it, unix ms. */
  readonly at: number;
  /** The run in its latest state, which may be a later one; null where that cannot be read. */
  readonly run: ReportRun | null;
}

/** The transitions of all runs, in the order in which they were committed. */
export interface RunChanges {
  /** The place of the latest one; 0 where there is none. */
  head(): Promise<number>;
  /** The next ones after a place, ascending. Whoever has read up to a place has missed nothing before it. */
  after(seq: number, limit: number): Promise<readonly RunChange[]>;
}

/**
 * The place of the account's latest transition; 0 where there is none. Transactions come one after the other, so that the next
 * higher number is the next place.
 */
export async function lastSeq(asker: Asker, account: string): Promise<number> {
  const [row] = await asker.query<{ seq: number | null }>(
    'select max(seq) as seq from transitions where account = ?',
    [account],
  );
  return row?.seq ?? 0;
}

type ChangeRow = Omit<RunChange, 'run'>;

export function openRunChanges(engine: Engine, account: string, runs: Pick<Runs, 'get'>): RunChanges {
  return {
    head: () => lastSeq(engine, account),
    async after(seq, limit) {
      const rows = await engine.query<ChangeRow>(
        'select seq, id, version, status, at from transitions where account = ? and seq > ? order by seq limit ?',
        [account, seq, limit],
      );
      const known = await runs.get([...new Set(rows.map(({ id }) => id))]);
      return rows.map((row) => ({ ...row, run: known.get(row.id)?.run ?? null }));
    },
  };
}
