import { Client } from 'pg';
import { type Engine, LedgerError, type SqlValue, type Tx, type TxOptions } from './engine.js';
import { checkServer } from './postgres-checks.js';
import { createDatabaseClock } from './postgres-clock.js';
import { codeOf, explainPostgres, Lost } from './postgres-errors.js';
import { PostgresListener } from './postgres-listener.js';
import { createOutage, pause } from './postgres-outage.js';
import { openPool } from './postgres-pool.js';
import { ask, GATEWAY, type Session, sessionOf, watchErrors } from './postgres-session.js';
import { isRead, toPostgres } from './postgres-sql.js';
import { snapshot, transact, Unsure } from './postgres-tx.js';

/** How often a transaction that may still be under way is asked about, and after how many ms again. */
const ENQUIRIES = 50;
const ENQUIRY = 200;

export interface PostgresOptions {
  /** Start even where the database may lose what it has acknowledged. */
  readonly allowUnsafe?: boolean;
  /** Whether it is opened by a command, which is not to be taken for a gateway by another. */
  readonly isCommand?: boolean;
  /** Ms of a clock that is never set. */
  readonly monotonic?: () => number;
  readonly random?: () => number;
}

/**
 * Opens a Postgres database that several gateways may share. Writers of all processes run one after the other, by a lock in the
 * database, as they do on SQLite; readers wait for nobody. A short outage is waited out, save by a transaction of which nobody can
 * tell whether it was kept. Rejects with a LedgerError, which never has the password in it, where the database cannot be used.
 */
export async function openPostgres(url: string, options: PostgresOptions = {}): Promise<Engine> {
  const { allowUnsafe = false, monotonic = () => performance.now(), random = Math.random } = options;
  const session = sessionOf(url, options.isCommand === true ? 'report-run-gateway command' : GATEWAY);
  const { config, place } = session;
  const outage = createOutage({ monotonic, random });
  const clock = createDatabaseClock(monotonic);
  const listener = new PostgresListener({ config, clock, random });
  try {
    await outage.ride(() => inspect(session, allowUnsafe));
    await listener.start();
  } catch (error) {
    throw explainPostgres(place, error);
  }
  const pool = openPool(session);
  /** What was asked and has not ended. */
  const pending = new Set<Promise<unknown>>();
  /** Settles when the transactions asked so far have ended: this process waits for the writers' lock on one connection only. */
  let turn: Promise<unknown> = Promise.resolve();
  let closing: Promise<void> | null = null;

  /** Rejects with a sentence where there is one. */
  async function asked<T>(work: (client: Client) => Promise<T>): Promise<T> {
    try {
      return await outage.ride(() => pool.lend(work));
    } catch (error) {
      throw explainPostgres(place, error);
    }
  }

  /**
   * False where nobody can tell. That a transaction was kept is not believed: after a crash the number of a lost one may have
   * been given to another.
   */
  async function wasRolledBack(xid: string): Promise<boolean> {
    const question = `select pg_xact_status('${xid}') as state`;
    for (let i = 0; i < ENQUIRIES; i += 1) {
      try {
        const { rows } = await asked((client) => ask<{ state: string | null }>(client, question));
        if (rows[0]?.state !== 'in progress') return rows[0]?.state === 'aborted';
      } catch (error) {
        // The database knows of no such number: it crashed before anything of that transaction was on its disk.
        return codeOf(error) === '22023';
      }
      await pause(ENQUIRY, outage.over);
    }
    return false;
  }

  async function write<T>(work: (tx: Tx) => Promise<T>, options: TxOptions): Promise<T> {
    while (true) {
      try {
        return await asked((client) => transact(client, work, options));
      } catch (error) {
        if (!(error instanceof Unsure)) throw error;
        if (await wasRolledBack(error.xid)) continue;
        throw new LedgerError(
          `The connection to the database ${place} was lost during a COMMIT: it is not known whether the change was kept.`,
          { cause: error.cause },
        );
      }
    }
  }

  function unlessClosed<T>(work: () => Promise<T>): Promise<T> {
    if (closing !== null) {
      return Promise.reject(new LedgerError(`The ledger ${place} is closed and cannot be asked any more.`));
    }
    const mine = work();
    pending.add(mine);
    return mine.finally(() => pending.delete(mine));
  }

  function inTurn<T>(work: (tx: Tx) => Promise<T>, options: TxOptions = {}): Promise<T> {
    const mine = turn.then(() => write(work, options));
    turn = mine.catch(() => undefined);
    return mine;
  }

  async function close(): Promise<void> {
    outage.giveUp();
    await Promise.allSettled(pending);
    await Promise.all([pool.close(), listener.close()]);
  }

  return {
    // A statement that writes takes its turn with the transactions, so that none of them sees it come in between.
    query: <Row>(sql: string, params: readonly SqlValue[] = []) =>
      unlessClosed(async () => {
        if (!isRead(sql)) return inTurn((tx) => tx.query<Row>(sql, params));
        return (await asked((client) => ask<Row>(client, toPostgres(sql), { params }))).rows;
      }),
    tx: (work, how) => unlessClosed(() => inTurn(work, how)),
    snapshot: (work) => unlessClosed(() => asked((client) => snapshot(client, work))),
    now: () => clock.now(),
    isShared: true,
    skipLocked: 'for update skip locked',
    onNotify: (heard) => listener.onNotify(heard),
    onGap: (told) => listener.onGap(told),
    close() {
      closing ??= close();
      return closing;
    },
  };
}

/** Throws `Lost`, to be tried again, only where the database is about to be there: a wrong address had better be told at once. */
async function inspect({ config, place }: Session, allowUnsafe: boolean): Promise<void> {
  const client = new Client(config);
  watchErrors(client);
  try {
    await client.connect();
    await checkServer(client, place, allowUnsafe);
  } catch (error) {
    throw codeOf(error) === '57P03' ? new Lost('The database is starting.', { cause: error }) : error;
  } finally {
    void client.end();
  }
}
