import { LedgerError } from './engine.js';

/** The connection was lost and what was asked certainly left no trace: it may be asked again. `cause` is what was said. */
export class Lost extends Error {
  override readonly name = 'Lost';
}

/** Errors of Node and of pg itself that say that there is no connection, or none any more. */
const LOST_CODES: ReadonlySet<string> = new Set([
  'ECONNREFUSED',
  'ECONNRESET',
  'EPIPE',
  'ETIMEDOUT',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'ENOTFOUND',
  'EAI_AGAIN',
  // Shut down by an operator, after a crash, not up yet, idle for too long; all connections taken.
  '57P01',
  '57P02',
  '57P03',
  '57P05',
  '53300',
]);
const LOST_WORDS =
  /^(?:Connection terminated|timeout expired|Query read timeout|Client has encountered a connection error|Client was closed)/;

/** Whether an error says that the connection was lost or could not be made, which may be better in a moment. */
export function isLost(error: unknown): boolean {
  const code = codeOf(error);
  return LOST_CODES.has(code) || code.startsWith('08') || LOST_WORDS.test(messageOf(error));
}

/** The sentence for an error of Postgres; errors of the statement itself, such as a constraint, are given back as they are. */
export function explainPostgres(place: string, error: unknown): unknown {
  if (error instanceof LedgerError) return error;
  if (error instanceof Lost) return explainPostgres(place, error.cause);
  const sentence = sentenceFor(place, codeOf(error), messageOf(error));
  return sentence === null ? error : new LedgerError(sentence, { cause: error });
}

function sentenceFor(place: string, code: string, said: string): string | null {
  switch (code) {
    case '28P01':
    case '28000':
      return `The database ${place} refuses this user or password (${said}). Check both in DATABASE_URL, and the server's pg_hba.conf.`;
    case '3D000':
      return `The database ${place} does not exist. Make it (create database …), or name another one in DATABASE_URL.`;
    case '53300':
      return `The database ${place} has no connection left (${said}). A gateway takes up to nine: raise max_connections, or start fewer of them.`;
    case '25006':
      return `The database ${place} is a read-only replica. DATABASE_URL must name the primary.`;
    case '53100':
    case '58030':
      return `The database ${place} could not write and nothing of the change was kept (${said}). Is its disk full?`;
    case '42501':
      return `The user of the database ${place} lacks a right (${said}). It must own the ledger's tables, and may need: grant create on schema public.`;
    case '55P03':
      return `The database ${place} was locked for too long and nothing of the change was kept: another gateway, or somebody's open transaction, holds a lock (${said}).`;
    case '57014':
      return `The database ${place} took too long for a statement and nothing of the change was kept (${said}).`;
    case '25P03':
      return `The database ${place} ended a transaction that asked nothing for too long; nothing of it was kept (${said}).`;
  }
  if (said.startsWith('timeout exceeded when trying to connect')) {
    return `All connections of this gateway to the database ${place} are busy; it is slower than what is asked of it.`;
  }
  if (said.startsWith('SASL')) {
    return `The database ${place} asks for a password and DATABASE_URL gives none that can be used.`;
  }
  if (/\bSSL\b|certificate|self-signed/i.test(said)) {
    return `A secure connection to the database ${place} could not be made (${said}). See sslmode in DATABASE_URL.`;
  }
  if (LOST_CODES.has(code) || code.startsWith('08') || LOST_WORDS.test(said)) {
    return `The database ${place} cannot be reached (${said || code}). Is it running, and is DATABASE_URL right?`;
  }
  return null;
}

/** SQLSTATE or Node's code; empty where there is none. */
export function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error ? String(error.code) : '';
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
