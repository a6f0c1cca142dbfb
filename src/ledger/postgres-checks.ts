import type { Client } from 'pg';
import { LedgerError } from './engine.js';
import { ask } from './postgres-session.js';

/** The oldest version that has `pg_current_xact_id`. */
const OLDEST = 13;

interface Server {
  readonly version: number;
  readonly encoding: string;
  readonly replica: number;
  readonly fsync: string;
  readonly synchronousCommit: string;
  readonly fullPageWrites: string;
}

const SERVER = `select current_setting('server_version_num')::integer / 10000 as version,
  current_setting('server_encoding') as encoding, pg_is_in_recovery() as replica, current_setting('fsync') as fsync,
  current_setting('synchronous_commit') as "synchronousCommit", current_setting('full_page_writes') as "fullPageWrites"`;

/** Throws a LedgerError where the database cannot hold a ledger, or, unless that is allowed, would lose what it acknowledged. */
export async function checkServer(client: Client, place: string, allowUnsafe: boolean): Promise<void> {
  const { rows } = await ask<Server>(client, SERVER);
  const [server] = rows;
  if (!server) throw new LedgerError(`The database ${place} did not say how it is set up.`);
  if (server.version < OLDEST) {
    throw new LedgerError(
      `The database ${place} is Postgres ${server.version}; the ledger needs ${OLDEST} or newer.`,
    );
  }
  if (server.encoding !== 'UTF8') {
    throw new LedgerError(
      `The database ${place} has the encoding ${server.encoding}; the ledger needs UTF8 (create database … encoding 'UTF8' template template0).`,
    );
  }
  if (server.replica === 1) {
    throw new LedgerError(
      `The database ${place} is a read-only replica. DATABASE_URL must name the primary.`,
    );
  }
  const unsafe = [
    server.fsync === 'off' && 'fsync',
    server.synchronousCommit === 'off' && 'synchronous_commit',
    server.fullPageWrites === 'off' && 'full_page_writes',
  ].filter((name) => name !== false);
  if (unsafe.length > 0 && !allowUnsafe) {
    throw new LedgerError(
      `The database ${place} has ${unsafe.join(' and ')} off: a crash would lose runs that were acknowledged, and a v2 run that is lost cannot be found again. Turn it on, or set LEDGER_ALLOW_UNSAFE=1 to accept that.`,
    );
  }
}
