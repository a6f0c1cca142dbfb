import type { Engine } from './engine.js';

/** Deletes what has been of no use for long. Instants are unix ms. No row of a run is ever deleted, nor an open or unknown intent. */
export interface Retention {
  /** Whether it is this process's turn: true for one of all processes that share the ledger, once in `periodMs`. */
  begin(periodMs: number): Promise<boolean>;
  /** Deletes transitions, from before an instant, of runs that have ended; gives how many, `limit` at most. */
  transitions(before: number, limit: number): Promise<number>;
  /** Deletes intents that were done or closed before an instant; gives how many. Their keys are then unknown. */
  intents(before: number, limit: number): Promise<number>;
}

export function openRetention(engine: Engine, account: string, now: () => number): Retention {
  return {
    begin(periodMs) {
      return engine.tx(async (tx) => {
        const [last] = await tx.query<{ value: string }>(
          "select value from settings where account = ? and name = 'retention'",
          [account],
        );
        const at = now();
        if (last !== undefined && at - Number(last.value) < periodMs) return false;
        await tx.query(
          `insert into settings (account, name, value) values (?, 'retention', ?)
           on conflict (account, name) do update set value = excluded.value`,
          [account, String(at)],
        );
        return true;
      });
    },
    async transitions(before, limit) {
      const rows = await engine.query(
        `with old as materialized (
           select t.id, t.version from transitions t join runs r on r.account = t.account and r.id = t.id
           where t.account = ? and t.at < ? and r.status in ('SUCCEEDED', 'FAILED') order by t.at limit ?)
         delete from transitions where account = ? and (id, version) in (select id, version from old) returning id`,
        [account, before, limit, account],
      );
      return rows.length;
    },
    async intents(before, limit) {
      const rows = await engine.query(
        `with old as materialized (
           select key from intents where account = ? and state in ('done', 'closed') and ended < ? order by ended limit ?)
         delete from intents where account = ? and key in (select key from old) returning key`,
        [account, before, limit, account],
      );
      return rows.length;
    },
  };
}
