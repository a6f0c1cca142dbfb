import type { Client } from 'pg';
import type { Asker, SqlValue, Tx, TxOptions } from './engine.js';
import { Lost } from './postgres-errors.js';
import { CHANNEL } from './postgres-listener.js';
import { ask, type AskOptions } from './postgres-session.js';
import { toPostgres } from './postgres-sql.js';

/** Any number, the same for all gateways: who holds this lock is the one that writes. */
const WRITER = 7_237_001;

const BEGIN = 'begin isolation level read committed';
const PATIENTLY =
  'set local statement_timeout = 0; set local lock_timeout = 0; set local idle_in_transaction_session_timeout = 0';
const LOCK = `select pg_advisory_xact_lock(${WRITER}); select pg_current_xact_id() as xid`;
const NOTIFY = `select pg_notify('${CHANNEL}', topic) from json_array_elements_text(?::json) as topic`;

/** The connection was lost between COMMIT and its answer: the transaction may have been kept. `cause` is what was said. */
export class Unsure extends Error {
  override readonly name = 'Unsure';
  /** The number of the transaction, to ask the database about. */
  readonly xid: string;

  constructor(xid: string, cause: unknown) {
    super('A COMMIT was not answered', { cause });
    this.xid = xid;
  }
}

/**
 * One writing transaction. Throws `Lost` where the connection went before COMMIT was sent, `Unsure` where it went after that, and
 * else whatever failed; nothing is kept but perhaps in the second case.
 */
export async function transact<T>(
  client: Client,
  work: (tx: Tx) => Promise<T>,
  { patient = false }: TxOptions,
): Promise<T> {
  const limits = patient ? { deadline: 0 } : {};
  const steps = patient ? [BEGIN, PATIENTLY, LOCK] : [BEGIN, LOCK];
  const topics = new Set<string>();
  let xid = '';
  const result = await inside(client, steps.join('; '), limits, async (query, [begun]) => {
    xid = String(begun?.['xid']);
    const given = await work({ query, notify: (topic) => topics.add(topic) });
    if (topics.size > 0) await query(NOTIFY, [JSON.stringify([...topics])]);
    return given;
  });
  try {
    const { command } = await ask(client, 'commit', limits);
    if (command !== 'COMMIT') throw new Error(`The database answered a COMMIT with ${command}.`);
  } catch (error) {
    throw error instanceof Lost ? new Unsure(xid, error.cause) : error;
  }
  return result;
}

/** Several reads of one state of the database. */
export async function snapshot<T>(client: Client, work: (asker: Asker) => Promise<T>): Promise<T> {
  const begin = 'begin isolation level repeatable read read only';
  const result = await inside(client, begin, {}, (query) => work({ query }));
  await ask(client, 'commit');
  return result;
}

/** Begins, and rolls back if anything failed; a statement that failed fails the whole, whether or not `work` minds. */
async function inside<T>(
  client: Client,
  begin: string,
  limits: AskOptions,
  work: (query: Asker['query'], begun: readonly Record<string, unknown>[]) => Promise<T>,
): Promise<T> {
  /** pg answers one question at a time on a connection. */
  let turn: Promise<unknown> = Promise.resolve();
  const failures: unknown[] = [];
  let ended = false;
  const query = <Row>(sql: string, params?: readonly SqlValue[]): Promise<readonly Row[]> => {
    if (ended)
      return Promise.reject(new Error(`A transaction of the ledger was used after it had ended: ${sql}`));
    const mine = turn.then(() => ask<Row>(client, toPostgres(sql), { ...limits, params: params ?? [] }));
    turn = mine.catch((error: unknown) => failures.push(error));
    return mine.then(({ rows }) => rows);
  };
  try {
    const begun = await ask<Record<string, unknown>>(client, begin, limits);
    const result = await work(query, begun.rows);
    ended = true;
    await turn;
    if (failures.length > 0) throw failures[0];
    return result;
  } catch (error) {
    ended = true;
    await turn;
    const first = failures[0] ?? error;
    // Where the connection is lost, the database rolls back by itself.
    if (!(first instanceof Lost)) await ask(client, 'rollback', limits).catch(() => undefined);
    throw first instanceof Lost ? first : error;
  }
}
