import { createHash } from 'node:crypto';
import { badUserInput } from '../models/errors.js';
import type { RunFilter, RunPosition } from '../models/run-page.js';
import { quote } from './quote.js';

/** What a cursor belongs to: it means nothing in another connection, account or filter. */
export interface CursorScope {
  readonly connection: string;
  readonly account: string;
  readonly filter: RunFilter;
}

const MAX_LENGTH = 1024;
/** connection, account, filter, `createdAt`, `id`, checksum */
const PARTS = /^([a-zA-Z]+)\.([0-9a-f]+)\.([0-9a-f]+)\.([0-9]{1,16})\.([A-Za-z0-9_]*)\.([0-9a-f]+)$/;

export function encodeCursor(scope: CursorScope, position: RunPosition): string {
  const { connection, account, filter } = scope;
  const text = [connection, digest(account), digest(canonical(filter)), position.createdAt, position.id].join(
    '.',
  );
  return Buffer.from(`${text}.${digest(text)}`).toString('base64url');
}

/** `argument` is the name the client gave the cursor under. */
export function decodeCursor(scope: CursorScope, argument: string, cursor: string): RunPosition {
  const parts = cursor.length <= MAX_LENGTH ? PARTS.exec(decodeStrictly(cursor)) : null;
  if (parts === null) throw refused(argument, `is not a cursor of this gateway: ${quote(cursor)}`);
  const [text, connection, account, filter, createdAt = '', id = '', checksum = ''] = parts;
  if (digest(text.slice(0, -checksum.length - 1)) !== checksum) {
    throw refused(argument, `has been altered, it is not as the gateway gave it: ${quote(cursor)}`);
  }
  if (connection !== scope.connection) {
    throw refused(argument, `is a cursor of \`${connection}\`, not of \`${scope.connection}\``);
  }
  if (account !== digest(scope.account)) {
    throw refused(argument, 'is a cursor of another Stripe account or mode');
  }
  if (filter !== digest(canonical(scope.filter))) {
    throw refused(
      argument,
      'is a cursor of the same list under another `filter`: repeat the filter it came from',
    );
  }
  return { createdAt: Number(createdAt), id };
}

function refused(argument: string, what: string): Error {
  return badUserInput(`\`${argument}\` ${what}.`);
}

/** Node decodes leniently; only the one spelling we give out is ours. */
function decodeStrictly(cursor: string): string {
  const bytes = Buffer.from(cursor, 'base64url');
  return bytes.toString('base64url') === cursor ? bytes.toString('latin1') : '';
}

/** The same text for filters that let the same runs through. */
function canonical({ api, status, reportType, createdFrom, createdBefore }: RunFilter): string {
  return JSON.stringify([
    api ?? null,
    sorted(status),
    sorted(reportType),
    createdFrom ?? null,
    createdBefore ?? null,
  ]);
}

function sorted(values: readonly string[] | undefined): readonly string[] | null {
  return values === undefined ? null : [...new Set(values)].sort();
}

function digest(text: string): string {
  return createHash('sha256').update(text).digest('hex').slice(0, 12);
}
