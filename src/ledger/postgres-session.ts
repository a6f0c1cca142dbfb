import { Client, type ClientConfig, type QueryConfig, type QueryResult } from 'pg';
import { LedgerError, type SqlValue } from './engine.js';
import { isLost, Lost } from './postgres-errors.js';

/** The longest that the database may take for a statement, wait for a lock, or be left waiting by an open transaction, ms. */
const STATEMENT = 15_000;
const LOCK = 12_000;
const IDLE = 15_000;
/** Longer than the database takes to give a statement up, ms: past it, the connection is dead. */
const DEADLINE = 20_000;

/** Booleans, and the types that hold numbers, by their ids in Postgres. */
const BOOL = 16;
const NUMBERS: ReadonlySet<number> = new Set([20, 21, 23, 26, 700, 701, 1700]);

/** What gateways call themselves to the database. */
export const GATEWAY = 'report-run-gateway';

/** What connections to one database are made with. It holds the password: no error and no log may show it. */
export interface Session {
  readonly config: ClientConfig;
  /** User, host and database, for sentences. */
  readonly place: string;
}

/** Reads a `postgres://` URL. Throws a LedgerError that does not repeat it. */
export function sessionOf(url: string, name = GATEWAY): Session {
  const config: ClientConfig = {
    connectionString: url,
    application_name: name,
    connectionTimeoutMillis: 5_000,
    keepAlive: true,
    statement_timeout: STATEMENT,
    lock_timeout: LOCK,
    idle_in_transaction_session_timeout: IDLE,
    types: { getTypeParser: (id: number) => parserOf(id) },
  };
  try {
    const { user, host, port, database } = new Client(config);
    return { config, place: `${user ?? ''}@${host}:${port}/${database ?? ''}` };
  } catch {
    // The reason would repeat the URL, and with it the password.
    throw new LedgerError(
      'DATABASE_URL is not a URL of Postgres: expected postgres://user:password@host:port/database, with special characters %-escaped.',
    );
  }
}

/** Values as SQLite gives them: whole numbers and sums are numbers, what a comparison gives is 0 or 1, the rest is text. */
function parserOf(type: number): (text: string) => string | number {
  if (NUMBERS.has(type)) return Number;
  return type === BOOL ? (text) => (text === 't' ? 1 : 0) : (text) => text;
}

interface TimedQuery extends QueryConfig {
  readonly query_timeout: number;
}

export interface AskOptions {
  readonly params?: readonly SqlValue[];
  /** Ms after which the connection counts as dead; 0 waits for ever. */
  readonly deadline?: number;
}

interface Answer<Row> {
  readonly rows: readonly Row[];
  readonly command: string;
}

/** Why a client cannot be used any more, as the database said it when nobody had asked. */
const farewells = new WeakMap<Client, Error>();

/** An error without a listener ends the process: every client needs this one, for as long as it lives. */
export function watchErrors(client: Client): void {
  client.on('error', (error) => farewells.set(client, error));
}

/**
 * Asks on one connection; of several statements, which may have no parameters, the last one's answer is given. Throws `Lost` where
 * the connection is lost, which then is also closed.
 */
export async function ask<Row>(
  client: Client,
  text: string,
  { params = [], deadline = DEADLINE }: AskOptions = {},
): Promise<Answer<Row>> {
  const query: TimedQuery = { text, query_timeout: deadline };
  try {
    return lastOf<Row>(
      await client.query(params.length === 0 ? query : { ...query, values: params.map(storable) }),
    );
  } catch (error) {
    if (!isLost(error)) throw error;
    client.connection.stream.destroy();
    const farewell = farewells.get(client);
    if (farewell !== undefined && !isLost(farewell)) throw farewell;
    throw new Lost('The connection was lost.', { cause: farewell ?? error });
  }
}

/** Text in Postgres has no NUL: it becomes U+FFFD, as half a surrogate pair does on its way to any database. */
function storable(value: SqlValue): SqlValue {
  return typeof value === 'string' ? value.replaceAll('\0', '\uFFFD') : value;
}

function lastOf<Row>(answer: QueryResult | readonly QueryResult[]): Answer<Row> {
  const last = Array.isArray(answer) ? answer.at(-1) : answer;
  return last as Answer<Row>;
}
