import { mkdirSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import Database from 'libsql';
import { type Engine, LedgerError, type SqlValue, type Tx } from './engine.js';

/** Prepared statements kept; the ledger has some 60, and some more where a list of ids makes them differ in length. */
const STATEMENTS = 256;

/**
 * Opens or makes a SQLite file, and its folder, for this process alone: the lock is taken at once and held until `close`.
 * A commit is on the disk before it resolves. Throws a LedgerError that names the file where that cannot be. `now` is unix ms.
 */
export function openSqlite(path: string, now: () => number = Date.now): Engine {
  const file = resolve(path);
  const db = open(file);
  const statements = new Map<string, Database.Statement>();
  const listeners = new Set<(topic: string) => void>();
  /** Settles, and never rejects, when all that was asked so far has been done. */
  let turn: Promise<unknown> = Promise.resolve();
  let closed = false;

  function prepare(sql: string): Database.Statement {
    const known = statements.get(sql);
    const statement = known ?? db.prepare(sql);
    if (known) statements.delete(sql);
    else if (statements.size >= STATEMENTS) statements.delete(statements.keys().next().value ?? '');
    statements.set(sql, statement);
    return statement;
  }

  function run(sql: string, params: readonly SqlValue[] = []): unknown[] {
    try {
      return prepare(sql).all(params);
    } catch (error) {
      throw explain(file, error);
    }
  }

  function exec(sql: string): void {
    try {
      db.exec(sql);
    } catch (error) {
      throw explain(file, error);
    }
  }

  /** One connection sees its own open transaction, so everything waits for its turn, reads too. */
  function inTurn<T>(work: () => T | Promise<T>): Promise<T> {
    if (closed)
      return Promise.reject(new LedgerError(`The ledger ${file} is closed and cannot be asked any more.`));
    const mine = turn.then(work);
    turn = mine.catch(() => undefined);
    return mine;
  }

  async function transact<T>(work: (tx: Tx) => Promise<T>): Promise<T> {
    const topics = new Set<string>();
    let ended = false;
    const failures: unknown[] = [];
    const query = async <Row>(sql: string, params?: readonly SqlValue[]): Promise<readonly Row[]> => {
      if (ended) throw new Error(`A transaction of the ledger ${file} was used after it had ended: ${sql}`);
      try {
        return run(sql, params) as Row[];
      } catch (error) {
        failures.push(error);
        throw error;
      }
    };
    exec('begin immediate');
    let result: T;
    try {
      result = await work({ query, notify: (topic) => topics.add(topic) });
      if (failures.length > 0) throw failures[0];
      exec('commit');
    } catch (error) {
      // SQLite rolls back by itself after some errors, a full disk among them, but not after all.
      if (db.inTransaction) exec('rollback');
      throw error;
    } finally {
      ended = true;
    }
    for (const topic of topics) for (const listener of listeners) queueMicrotask(() => listener(topic));
    return result;
  }

  function close(): void {
    statements.clear();
    try {
      // A statement that is not yet collected keeps libsql's connection, and with it the lock, alive after close(). Only
      // outside WAL can an exclusive lock be given back; the next open turns WAL on again.
      db.exec('pragma journal_mode = delete');
      db.exec('pragma locking_mode = normal');
      db.prepare('select count(*) from sqlite_schema').all();
    } catch (error) {
      throw explain(file, error);
    } finally {
      db.close();
    }
  }

  return {
    query: <Row>(sql: string, params?: readonly SqlValue[]) => inTurn(() => run(sql, params) as Row[]),
    tx: (work) => inTurn(() => transact(work)),
    snapshot: (work) => inTurn(() => transact(work)),
    now,
    isShared: false,
    skipLocked: '',
    onNotify(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    // There is no other process whose notifications could be missed.
    onGap: () => () => undefined,
    async close() {
      if (closed) return;
      const closing = inTurn(close);
      closed = true;
      await closing;
    },
  };
}

function open(file: string): Database.Database {
  try {
    mkdirSync(dirname(file), { recursive: true });
  } catch (error) {
    throw new LedgerError(
      `The folder of the ledger ${file} cannot be made (${messageOf(error)}); DATABASE_URL must name a file where the gateway may write.`,
      { cause: error },
    );
  }
  let db: Database.Database | null = null;
  try {
    db = new Database(file);
    db.exec('pragma locking_mode = exclusive');
    db.exec('pragma journal_mode = wal');
    db.exec('pragma synchronous = full');
    db.exec('begin immediate');
    db.exec('commit');
    return db;
  } catch (error) {
    db?.close();
    throw explain(file, error);
  }
}

/** The sentence for an error of SQLite; errors of the statement itself, such as a constraint, are given back as they are. */
function explain(file: string, error: unknown): unknown {
  const sentence = sentenceFor(file, error);
  return sentence === null ? error : new LedgerError(sentence, { cause: error });
}

function sentenceFor(file: string, error: unknown): string | null {
  const said = messageOf(error);
  // libsql gives no code where the file could not even be opened.
  if (said.includes('Unable to open connection')) {
    return `The ledger ${file} cannot be opened: it is a folder, or the gateway may not read and write it. DATABASE_URL must name a file where the gateway may write.`;
  }
  const code = error instanceof Error && 'code' in error ? String(error.code) : '';
  if (code.startsWith('SQLITE_BUSY') || code.startsWith('SQLITE_LOCKED')) {
    return `The ledger ${file} is in use: another gateway process has it open. Stop that process, or give this one another file in DATABASE_URL.`;
  }
  if (code.startsWith('SQLITE_NOTADB') || code.startsWith('SQLITE_CORRUPT')) {
    return `The ledger ${file} is not a SQLite database or is damaged (${said}). Put a copy back that is known to be good, or name another file in DATABASE_URL.`;
  }
  if (
    code.startsWith('SQLITE_READONLY') ||
    code.startsWith('SQLITE_CANTOPEN') ||
    code.startsWith('SQLITE_PERM')
  ) {
    return `The ledger ${file} cannot be written (${said}). The gateway must be able to write the file and to make files beside it.`;
  }
  if (code.startsWith('SQLITE_FULL') || code.startsWith('SQLITE_IOERR')) {
    return `The ledger ${file} could not be written and nothing of the change was kept (${said}). Is the disk full?`;
  }
  return null;
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
