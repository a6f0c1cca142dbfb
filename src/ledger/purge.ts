import { type Engine, LedgerError } from './engine.js';
import { migrate } from './migrations.js';
import { GATEWAY } from './postgres-session.js';

/** Rows in one statement. */
const BATCH = 1_000;

/** Every table with rows of accounts, and what besides the account tells its rows apart. The last is what an account is known by. */
const TABLES: Readonly<Record<string, string>> = {
  transitions: 'id, version',
  files: 'run_id',
  runs: 'id',
  intents: 'key',
  feeds: 'api',
  report_types: 'id',
  buckets: 'name',
  usage: 'day',
  settings: 'name',
};

/** What a ledger has of one account. */
export interface AccountContents {
  /** Rows by table. */
  readonly rows: ReadonlyMap<string, number>;
  /** Creates whose outcome is not known. */
  readonly openCreates: number;
}

/** Brings a ledger up to date and counts. Throws a LedgerError where the ledger is in use, or knows no such account. */
export async function inspectAccount(engine: Engine, account: string): Promise<AccountContents> {
  await refuseInUse(engine);
  await migrate(engine, () => engine.now());
  const known = await engine.query<{ account: string }>(
    'select distinct account from settings order by account',
  );
  if (!known.some((row) => row.account === account)) {
    const names = known.map((row) => row.account).join(', ') || 'none';
    throw new LedgerError(`The ledger has nothing of ${account}. The accounts it has: ${names}.`);
  }
  const rows = new Map<string, number>();
  for (const table of Object.keys(TABLES)) {
    const [row] = await engine.query<{ n: number }>(`select count(*) as n from ${table} where account = ?`, [
      account,
    ]);
    rows.set(table, row?.n ?? 0);
  }
  const [open] = await engine.query<{ n: number }>(
    "select count(*) as n from intents where account = ? and state in ('pending', 'unknown')",
    [account],
  );
  return { rows, openCreates: open?.n ?? 0 };
}

/** Deletes all rows of an account, some at a time; one that was broken off can be repeated. `onProgress` is told the rows deleted so far. */
export async function purgeAccount(
  engine: Engine,
  account: string,
  onProgress: (table: string, deleted: number) => void,
): Promise<void> {
  for (const [table, key] of Object.entries(TABLES)) {
    let deleted = 0;
    for (let some = BATCH; some === BATCH; ) {
      const rows = await engine.query(
        `with batch as materialized (select ${key} from ${table} where account = ? limit ?)
         delete from ${table} where account = ? and (${key}) in (select ${key} from batch) returning account`,
        [account, BATCH, account],
      );
      some = rows.length;
      deleted += some;
      if (some > 0) onProgress(table, deleted);
    }
  }
  // Else the rows would stay in the file, to be read there until something is written over them.
  if (!engine.isShared) await engine.query('vacuum');
}

/** A gateway would write anew what is deleted. SQLite is never shared; to Postgres, gateways say who they are. */
async function refuseInUse(engine: Engine): Promise<void> {
  if (!engine.isShared) return;
  const [row] = await engine.query<{ n: number }>(
    'select count(*) as n from pg_stat_activity where datname = current_database() and application_name = ?',
    [GATEWAY],
  );
  if ((row?.n ?? 0) > 0)
    throw new LedgerError(
      'The ledger is in use: gateways are connected to the database. Stop them all first.',
    );
}
