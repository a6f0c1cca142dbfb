import { createHash } from 'node:crypto';
import type { CreateReportRunRequest } from '../models/create-report-run.js';
import { idOfItem, type ObservedRun, type UnreadableRun } from '../models/report-run.js';
import type { Asker, Engine } from './engine.js';
import type { ObserveReport } from './observe.js';
import type { Runs } from './runs.js';

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
  readonly state: IntentState;
  readonly runId: string | null;
  /** What the last attempt ended with. */
  readonly error: string | null;
  /** How often it was postponed. */
  readonly attempt: number;
  readonly createdAt: number;
  /** When it is to be taken up again by whoever finishes what others left. */
  readonly due: number;
}

type BeginResult =
  /** Write accomplished: POST now, with the intent's upstream key. */
  | { readonly kind: 'started'; readonly intent: Intent }
  | { readonly kind: 'pending'; readonly intent: Intent }
  | { readonly kind: 'done'; readonly runId: string }
  | { readonly kind: 'unknown'; readonly intent: Intent }
  /** The key was used for another request. */
  | { readonly kind: 'mismatch' };

/** The intents of one account. What changes a state says whether it did: only a pending intent changes, save where said. */
export interface Intents {
  /** A started intent is due in 30 s: longer than an attempt lasts, so that nobody else takes it up meanwhile. */
  begin(key: string, request: CreateReportRunRequest, newUpstreamKey: () => string): Promise<BeginResult>;
  /** Observes the run and marks the intent done, in one transaction; an unknown one too. The run is kept even if nothing applied. */
  finish(
    key: string,
    observed: ObservedRun | UnreadableRun,
  ): Promise<{ applied: boolean; report: ObserveReport }>;
  /** The POST certainly had no effect: the key is free again. */
  close(key: string, error: string): Promise<boolean>;
  /** Counts an attempt and stays pending until `due`, unix ms. */
  postpone(key: string, due: number, error: string): Promise<boolean>;
  /** A fresh upstream key, kept before it is used. */
  rekey(key: string, upstreamKey: string): Promise<boolean>;
  /** Leaves it to an operator. */
  giveUp(key: string, error: string): Promise<boolean>;
  /** Pending intents due by `now`, the longest due first. `Number.MAX_SAFE_INTEGER` gives all, as after a restart. */
  due(now: number, limit: number): Promise<readonly Intent[]>;
  /** When the next pending intent is due, unix ms. */
  nextDue(): Promise<number | null>;
  get(key: string): Promise<Intent | null>;
  /** The key of the intent that a run was made or adopted by. */
  ownerOf(runId: string): Promise<string | null>;
}

interface IntentRow extends Omit<Intent, 'request'> {
  readonly fingerprint: string;
  /** JSON. */
  readonly request: string;
}

const COLUMNS = `key, fingerprint, request, upstream_key as "upstreamKey", keyed as "keyedAt", state, run_id as "runId", error,
  attempt, created as "createdAt", due`;

/** How long a started intent is left to the request that started it, ms. */
const GRACE = 30_000;

export function openIntents(
  engine: Engine,
  account: string,
  runs: Pick<Runs, 'observe'>,
  now: () => number,
): Intents {
  async function read(asker: Asker, key: string): Promise<IntentRow | null> {
    const [row] = await asker.query<IntentRow>(
      `select ${COLUMNS} from intents where account = ? and key = ?`,
      [account, key],
    );
    return row ?? null;
  }

  async function change(set: string, params: readonly (string | number)[], key: string): Promise<boolean> {
    const rows = await engine.query(
      `update intents set ${set} where account = ? and key = ? and state = 'pending' returning key`,
      [...params, account, key],
    );
    return rows.length > 0;
  }

  return {
    begin(key, request, newUpstreamKey) {
      const fingerprint = fingerprintOf(request);
      return engine.tx(async (tx) => {
        const old = await read(tx, key);
        if (old && old.state !== 'closed') return resume(old, fingerprint);
        const at = now();
        const [row] = await tx.query<IntentRow>(
          `insert into intents (account, key, fingerprint, request, upstream_key, keyed, state, attempt, created, due)
           values (?, ?, ?, ?, ?, ?, 'pending', 0, ?, ?)
           on conflict (account, key) do update set fingerprint = excluded.fingerprint, request = excluded.request,
             upstream_key = excluded.upstream_key, keyed = excluded.keyed, state = 'pending', run_id = null, error = null,
             attempt = 0, created = excluded.created, due = excluded.due
           where intents.state = 'closed'
           returning ${COLUMNS}`,
          [account, key, fingerprint, JSON.stringify(request), newUpstreamKey(), at, at, at + GRACE],
        );
        if (!row) throw new Error(`The intent ${key} was taken by another writer within a transaction.`);
        return { kind: 'started', intent: toIntent(row) };
      });
    },
    finish(key, observed) {
      return engine.tx(async (tx) => {
        const report = await runs.observe([observed], { tx });
        const runId = idOfItem(observed);
        const rows = await tx.query(
          `update intents set state = 'done', run_id = ?, error = null
           where account = ? and key = ? and state in ('pending', 'unknown') returning key`,
          [runId, account, key],
        );
        return { applied: rows.length > 0, report };
      });
    },
    close: (key, error) => change("state = 'closed', error = ?", [error], key),
    postpone: (key, due, error) => change('attempt = attempt + 1, due = ?, error = ?', [due, error], key),
    rekey: (key, upstreamKey) => change('upstream_key = ?, keyed = ?', [upstreamKey, now()], key),
    giveUp: (key, error) => change("state = 'unknown', error = ?", [error], key),
    async due(by, limit) {
      const rows = await engine.query<IntentRow>(
        `select ${COLUMNS} from intents where account = ? and state = 'pending' and due <= ? order by due limit ?`,
        [account, by, limit],
      );
      return rows.map(toIntent);
    },
    async nextDue() {
      const [row] = await engine.query<{ due: number | null }>(
        "select min(due) as due from intents where account = ? and state = 'pending'",
        [account],
      );
      return row?.due ?? null;
    },
    async get(key) {
      const row = await read(engine, key);
      return row && toIntent(row);
    },
    async ownerOf(runId) {
      const [row] = await engine.query<{ key: string }>(
        'select key from intents where account = ? and run_id = ? order by created limit 1',
        [account, runId],
      );
      return row?.key ?? null;
    },
  };
}

function resume(row: IntentRow, fingerprint: string): BeginResult {
  if (row.fingerprint !== fingerprint) return { kind: 'mismatch' };
  if (row.runId !== null) return { kind: 'done', runId: row.runId };
  return { kind: row.state === 'unknown' ? 'unknown' : 'pending', intent: toIntent(row) };
}

function toIntent(row: IntentRow): Intent {
  return {
    key: row.key,
    request: JSON.parse(row.request) as CreateReportRunRequest,
    upstreamKey: row.upstreamKey,
    keyedAt: row.keyedAt,
    state: row.state,
    runId: row.runId,
    error: row.error,
    attempt: row.attempt,
    createdAt: row.createdAt,
    due: row.due,
  };
}

/** The same for the same request, in whatever order its parameters were written. */
function fingerprintOf(request: CreateReportRunRequest): string {
  return createHash('sha256').update(canonical(request)).digest('hex');
}

function canonical(value: unknown): string {
  return JSON.stringify(value, (_key, part: unknown) =>
    typeof part === 'object' && part !== null && !Array.isArray(part)
      ? Object.fromEntries(Object.entries(part).sort(([a], [b]) => (a < b ? -1 : 1)))
      : part,
  );
}
