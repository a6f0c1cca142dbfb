import { type Asker, type Engine, LedgerError, type SqlValue, type Tx } from './engine.js';
import { migrate, VERSION } from './migrations.js';

/** Rows in one statement: with the widest table some 4,000 parameters, of which Postgres takes 65,535. */
const BATCH = 200;

export interface MoveProgress {
  readonly table: string;
  /** Rows so far, and in all. It starts again from 0 where the connection was lost and the move begins anew. */
  readonly done: number;
  readonly total: number;
}

interface Table {
  readonly name: string;
  readonly columns: readonly string[];
  readonly total: number;
}

/**
 * Copies all of a SQLite ledger into a Postgres one, in one transaction: all of it is there afterwards, or nothing. The source is
 * only read. Gives the tables with their rows. Rejects with a LedgerError that says `source` or `target` where they do not fit:
 * other versions, another upstream, or a target that knows one of the accounts already.
 */
export async function moveLedger(
  source: Engine,
  target: Engine,
  onProgress: (progress: MoveProgress) => void,
): Promise<ReadonlyMap<string, number>> {
  await checkVersion(source, 'source');
  await migrate(target, () => target.now());
  await checkVersion(target, 'target');
  const tables = await tablesOf(source);
  await target.tx(
    async (tx) => {
      await checkTarget(source, tx, tables);
      for (const table of tables) await copy(source, tx, table, onProgress);
      for (const { name, total } of tables) await checkCount(source, tx, name, total);
    },
    { patient: true },
  );
  return new Map(tables.map(({ name, total }) => [name, total]));
}

/** The source is not brought up to date, since that would change it. */
async function checkVersion(engine: Engine, role: 'source' | 'target'): Promise<void> {
  const [row] = await engine
    .query<{ version: number | null }>('select max(version) as version from migrations')
    .catch((error: unknown) => {
      if (error instanceof LedgerError) throw error;
      throw new LedgerError(`The ${role} is not a ledger: it has no list of migrations.`, { cause: error });
    });
  const version = row?.version ?? 0;
  if (version === VERSION) return;
  const remedy =
    version < VERSION ? 'start this gateway on it once, and stop it' : 'use the newer gateway to move it';
  throw new LedgerError(
    `The ${role} is at version ${version} and this gateway at version ${VERSION}: ${remedy}.`,
  );
}

async function tablesOf(source: Engine): Promise<readonly Table[]> {
  const names = await source.query<{ name: string }>(
    "select name from sqlite_schema where type = 'table' and name not like 'sqlite_%' and name <> 'migrations' order by name",
  );
  const tables: Table[] = [];
  for (const { name } of names) {
    const columns = await source.query<{ name: string }>('select name from pragma_table_info(?)', [name]);
    const [count] = await source.query<{ n: number }>(`select count(*) as n from ${name}`);
    tables.push({ name, columns: columns.map((column) => column.name), total: count?.n ?? 0 });
  }
  return tables;
}

/** The target may hold other accounts of the same upstream, but nothing of these. */
async function checkTarget(source: Engine, tx: Tx, tables: readonly Table[]): Promise<void> {
  for (const { account, value } of await source.query<{ account: string; value: string }>(
    "select account, value from settings where name = 'upstream'",
  )) {
    const [other] = await tx.query<{ value: string }>(
      "select value from settings where name = 'upstream' and value <> ?",
      [value],
    );
    if (other) {
      throw new LedgerError(
        `The source was filled from ${value} and the target from ${other.value}: a ledger belongs to one upstream.`,
      );
    }
    for (const { name } of tables) {
      if ((await countOf(tx, name, account)) === 0) continue;
      throw new LedgerError(
        `The target already knows the account ${account} (its table ${name} has rows of it); move into a database that does not.`,
      );
    }
  }
}

async function copy(
  source: Engine,
  tx: Tx,
  { name, columns, total }: Table,
  onProgress: (progress: MoveProgress) => void,
): Promise<void> {
  const tuple = `(${columns.map(() => '?').join(', ')})`;
  const insert = `insert into ${name} (${columns.join(', ')}) values `;
  let last = 0;
  for (let done = 0; ; ) {
    onProgress({ table: name, done, total });
    const rows = await source.query<Readonly<Record<string, SqlValue>> & { readonly place: number }>(
      `select rowid as place, ${columns.join(', ')} from ${name} where rowid > ? order by rowid limit ${BATCH}`,
      [last],
    );
    if (rows.length === 0) return;
    const values = rows.flatMap((row) => columns.map((column) => row[column] ?? null));
    await tx.query(insert + rows.map(() => tuple).join(', '), values);
    last = rows.at(-1)?.place ?? last;
    done += rows.length;
  }
}

/** Counts what is there now, of the accounts of the source: the target may hold others. */
async function checkCount(source: Engine, tx: Tx, name: string, total: number): Promise<void> {
  let there = 0;
  const accounts = await source.query<{ account: string }>(`select distinct account from ${name}`);
  for (const { account } of accounts) there += await countOf(tx, name, account);
  if (there === total) return;
  throw new LedgerError(
    `The table ${name} has ${total} rows in the source and would have ${there} in the target; nothing was moved.`,
  );
}

async function countOf(asker: Asker, table: string, account: string): Promise<number> {
  const [row] = await asker.query<{ n: number }>(`select count(*) as n from ${table} where account = ?`, [
    account,
  ]);
  return row?.n ?? 0;
}
