import { createHash } from 'node:crypto';
import type { CreateReportRunRequest } from '../models/create-report-run.js';
import type { Asker } from './engine.js';

/**
 * pending: POSTed, or about to be, and to be finished whatever happens. done: there is a run. closed: certainly without effect, the
 * key is free again. unknown: nobody can tell any more whether there is a run; an operator settles it.
 */
export type IntentState = 'pending' | 'done' | 'closed' | 'unknown';

/** A run that is to be created, written before the POST. Times are unix ms. */
export interface Intent {
  /** The caller's idempotency key, or one made for it. */
  readonly key: string;
  readonly request: CreateReportRunRequest;
  /** The idempotency key Stripe gets; the same at every attempt until `rekey`. */
  readonly upstreamKey: string;
  /** When `upstreamKey` was made: Stripe forgets keys. */
  readonly keyedAt: number;
  /** Since when it is known that `upstreamKey` starts nothing any more. */
  readonly spentAt: number | null;
  readonly state: IntentState;
  readonly runId: string | null;
  /** What the last attempt ended with. */
  readonly error: string | null;
  /** How often it was taken up again. Whoever holds an earlier attempt may not decide about the intent any more. */
  readonly attempt: number;
  readonly createdAt: number;
  /** Until then it is left to whoever took it up last; then anybody may. */
  readonly due: number;
  /** When it was done, closed or given up. */
  readonly endedAt: number | null;
}

/** An intent as the database has it. */
export interface IntentRow extends Omit<Intent, 'request'> {
  readonly fingerprint: string;
  /** JSON. */
  readonly request: string;
}

/** The columns of an IntentRow. */
export const INTENT_COLUMNS = `key, fingerprint, request, upstream_key as "upstreamKey", keyed as "keyedAt", spent as "spentAt",
  state, run_id as "runId", error, attempt, created as "createdAt", due, ended as "endedAt"`;

export async function readIntent(asker: Asker, account: string, key: string): Promise<IntentRow | null> {
  const [row] = await asker.query<IntentRow>(
    `select ${INTENT_COLUMNS} from intents where account = ? and key = ?`,
    [account, key],
  );
  return row ?? null;
}

export function toIntent(row: IntentRow): Intent {
  return {
    key: row.key,
    request: JSON.parse(row.request) as CreateReportRunRequest,
    upstreamKey: row.upstreamKey,
    keyedAt: row.keyedAt,
    spentAt: row.spentAt,
    state: row.state,
    runId: row.runId,
    error: row.error,
    attempt: row.attempt,
    createdAt: row.createdAt,
    due: row.due,
    endedAt: row.endedAt,
  };
}

/** The same for the same request, in whatever order its parameters were written. */
export function fingerprintOf(request: CreateReportRunRequest): string {
  return createHash('sha256').update(canonical(request)).digest('hex');
}

function canonical(value: unknown): string {
  return JSON.stringify(value, (_key, part: unknown) =>
    typeof part === 'object' && part !== null && !Array.isArray(part)
      ? Object.fromEntries(Object.entries(part).sort(([a], [b]) => (a < b ? -1 : 1)))
      : part,
  );
}
