import { type Engine, LedgerError } from './engine.js';
import { openPostgres } from './postgres.js';
import { openSqlite } from './sqlite.js';

export interface OpenEngineOptions {
  /** Use a Postgres that may lose what it has acknowledged. SQLite is always safe. */
  readonly allowUnsafe?: boolean;
  /** Whether it is opened by a command, which is not to be taken for a gateway by another. */
  readonly isCommand?: boolean;
}

/**
 * Opens the database of a DATABASE_URL: `file:` and a path is SQLite, for one process; `postgres://…` is Postgres, for any number.
 * Rejects with a LedgerError, which has no password in it, where it cannot be used.
 */
export async function openEngine(url: string, options: OpenEngineOptions = {}): Promise<Engine> {
  if (url.startsWith('file:')) return openSqlite(url.slice('file:'.length));
  // The library would take a URL of any other database for one of Postgres.
  if (/^postgres(?:ql)?:\/\//.test(url)) return openPostgres(url, options);
  throw new LedgerError(
    'DATABASE_URL must be file: and a path, or postgres://user:password@host:port/database.',
  );
}
