import type { CreateReportRunRequest } from '../models/create-report-run.js';
import { idOfItem, type ObservedRun, type UnreadableRun } from '../models/report-run.js';
import type { Asker, Engine, SqlValue, Tx } from './engine.js';
import { changeHeld, intentHolds } from './intent-holds.js';
import {
  INTENT_COLUMNS,
  type Intent,
  type IntentRow,
  type IntentState,
  readIntent,
  toIntent,
} from './intent-rows.js';
import { type ObserveReport, placeholders } from './observe.js';
import type { Runs } from './runs.js';

export type BeginResult =
  /** Write accomplished: POST now, with the intent's upstream key. */
  | { readonly kind: 'started'; readonly intent: Intent }
  | { readonly kind: 'pending'; readonly intent: Intent }
  | { readonly kind: 'done'; readonly runId: string }
  | { readonly kind: 'unknown'; readonly intent: Intent }
  /** The key was used for another request. */
  | { readonly kind: 'mismatch' };

/** An intent in somebody's hands. */
export type Held = Pick<Intent, 'key' | 'upstreamKey' | 'attempt'>;

/**
 * The intents of one account. `due` is the lease: whoever begins, takes or claims an intent has it to itself until then, as far as
 * the loops of all instances go. What changes a state says whether it did: only a pending intent changes, save where said, only
 * under the upstream key that the caller knows, and where it says so only while the caller's is the last attempt.
 */
export interface Intents {
  /** A started intent is due in a lease, which is longer than an attempt lasts, and `extraMs`. */
  begin(
    key: string,
    request: CreateReportRunRequest,
    newUpstreamKey: () => string,
    extraMs?: number,
  ): Promise<BeginResult>;
  /** A further attempt before the intent is due, because somebody asks for it; `isContested` where an earlier one may still be under way. */
  take(held: Held, extraMs?: number): Promise<{ intent: Intent; isContested: boolean } | null>;
  /** Takes intents that are due, the longest due first; no two claims of any processes take the same one. */
  claim(limit: number): Promise<readonly Intent[]>;
  /** Makes all that are pending due now: right only where no other process can be at them. */
  makeDue(): Promise<void>;
  /** Whether the caller's is still the last attempt at a pending intent, which is then due a lease from now at the earliest. */
  renew(held: Held): Promise<boolean>;
  /**
   * Observes the run and marks the intent done, in one transaction, also one that was given up or closed: its upstream key has
   * started the run. The run is kept even if nothing applied. `askedAt`: when the answer was asked for, unix ms.
   */
  finish(
    held: Held,
    observed: ObservedRun | UnreadableRun,
    askedAt?: number,
  ): Promise<{ applied: boolean; report: ObserveReport }>;
  /**
   * As `finish`, for a run that was found and may be the intent's: only if no other intent has it. `owned`: one has. `lost`: the
   * intent was settled, or goes on under another upstream key.
   */
  adopt(
    held: Held,
    observed: ObservedRun | UnreadableRun,
  ): Promise<
    | { readonly kind: 'adopted'; readonly report: ObserveReport }
    | { readonly kind: 'owned'; readonly by: string }
    | { readonly kind: 'lost' }
  >;
  /** The POST certainly had no effect: the key is free again. For the last attempt. */
  close(held: Held, error: string): Promise<boolean>;
  /** Stays pending until `due`, unix ms. For the last attempt. */
  postpone(held: Held, due: number, error: string): Promise<boolean>;
  /** Notes that the upstream key starts nothing any more. Gives since when that is known, unix ms; null where nothing is pending under it. */
  spend(held: Held): Promise<number | null>;
  /** A fresh upstream key, kept before it is used. For the last attempt. */
  rekey(held: Held, upstreamKey: string): Promise<boolean>;
  /** Leaves it to an operator. For the last attempt. */
  giveUp(held: Held, error: string): Promise<boolean>;
  /** An operator says that an unknown one has no run: its key is free again. */
  dismiss(key: string, reason: string): Promise<boolean>;
  /** When the next pending intent is due, unix ms. */
  nextDue(): Promise<number | null>;
  get(key: string): Promise<Intent | null>;
  /** The intents in any of these states, the oldest first. */
  list(states: readonly IntentState[], limit: number): Promise<readonly Intent[]>;
  /** The key of the intent that a run was made or adopted by. */
  ownerOf(runId: string): Promise<string | null>;
}

export function openIntents(
  engine: Engine,
  account: string,
  runs: Pick<Runs, 'observe'>,
  now: () => number,
): Intents {
  async function owner(asker: Asker, runId: string, notKey = ''): Promise<string | null> {
    const [row] = await asker.query<{ key: string }>(
      'select key from intents where account = ? and run_id = ? and key <> ? order by created limit 1',
      [account, runId, notKey],
    );
    return row?.key ?? null;
  }

  async function done(tx: Tx, { key, upstreamKey }: Held, runId: string): Promise<boolean> {
    const rows = await tx.query(
      `update intents set state = 'done', run_id = ?, error = null, ended = case when state = 'done' then ended else ? end
       where account = ? and key = ? and upstream_key = ? and (state <> 'done' or run_id = ?) returning key`,
      [runId, now(), account, key, upstreamKey, runId],
    );
    return rows.length > 0;
  }

  const change = (set: string, params: readonly SqlValue[], held: Held): Promise<boolean> =>
    changeHeld(engine, account, held, set, params);

  return {
    ...intentHolds(engine, account, now),
    finish(held, observed, askedAt) {
      return engine.tx(async (tx) => {
        const report = await runs.observe([observed], askedAt === undefined ? { tx } : { tx, askedAt });
        return { applied: await done(tx, held, idOfItem(observed)), report };
      });
    },
    adopt(held, observed) {
      return engine.tx(async (tx) => {
        const by = await owner(tx, idOfItem(observed), held.key);
        if (by !== null) return { kind: 'owned', by };
        const applied = await done(tx, held, idOfItem(observed));
        if (!applied) return { kind: 'lost' };
        return { kind: 'adopted', report: await runs.observe([observed], { tx }) };
      });
    },
    close: (held, error) => change("state = 'closed', error = ?, ended = ?", [error, now()], held),
    postpone: (held, due, error) => change('due = ?, error = ?', [due, error], held),
    async spend({ key, upstreamKey }) {
      const [row] = await engine.query<{ spent: number }>(
        `update intents set spent = coalesce(spent, ?) where account = ? and key = ? and upstream_key = ? and state = 'pending'
         returning spent`,
        [now(), account, key, upstreamKey],
      );
      return row?.spent ?? null;
    },
    rekey: (held, upstreamKey) =>
      change('upstream_key = ?, keyed = ?, spent = null', [upstreamKey, now()], held),
    giveUp: (held, error) => change("state = 'unknown', error = ?, ended = ?", [error, now()], held),
    async dismiss(key, reason) {
      const rows = await engine.query(
        `update intents set state = 'closed', error = ?, ended = ? where account = ? and key = ? and state = 'unknown' returning key`,
        [reason, now(), account, key],
      );
      return rows.length > 0;
    },
    async nextDue() {
      const [row] = await engine.query<{ due: number | null }>(
        "select min(due) as due from intents where account = ? and state = 'pending'",
        [account],
      );
      return row?.due ?? null;
    },
    async get(key) {
      const row = await readIntent(engine, account, key);
      return row && toIntent(row);
    },
    async list(states, limit) {
      const rows = await engine.query<IntentRow>(
        `select ${INTENT_COLUMNS} from intents where account = ? and state in (${placeholders(states.length)})
         order by created, key limit ?`,
        [account, ...states, limit],
      );
      return rows.map(toIntent);
    },
    ownerOf: (runId) => owner(engine, runId),
  };
}
