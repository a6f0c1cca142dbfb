import type { JsonObject } from '../models/json.js';
import type {
  ObservedRun,
  ReportRun,
  ReportRunStatus,
  StripeApi,
  UnreadableRun,
} from '../models/report-run.js';
import type { RunFilter, RunPageRequest, RunPosition } from '../models/run-page.js';
import { batches } from './batches.js';
import type { Asker, Engine, Tx } from './engine.js';
import { type ObserveReport, observeIn, placeholders } from './observe.js';
import { type RunListing, runPages } from './run-pages.js';
import { RUN_COLUMNS, type RunRow } from './run-row.js';
import { type FollowedRuns, followedRuns } from './followed-runs.js';
import { type UnreadRuns, unreadRuns } from './unread-runs.js';

/** Decodes a kept body; never throws. */
type DecodeRun = (api: StripeApi, body: JsonObject) => ObservedRun | UnreadableRun;

/** What the ledger keeps of a run. */
export interface LedgerRun {
  readonly id: string;
  readonly api: StripeApi;
  /** Counts the transitions: 0 while no readable answer was seen, 2 at most. */
  readonly version: number;
  /** Null while no readable answer was seen. */
  readonly status: ReportRunStatus | null;
  /** Decoded from the body now; null where there is none or it cannot be read. */
  readonly run: ReportRun | null;
  /** Why a body that is there cannot be read; null where `run` is there, or where there is no body yet. */
  readonly unreadableReason: string | null;
  /** When a read that showed it running was begun, unix ms; null where none was. */
  readonly seen: number | null;
}

/** An id that is known, from an event say, before its run was read. Times are unix ms. */
export interface RunNote {
  readonly id: string;
  readonly createdAt?: number | null;
  /** When an event said that the run ended. */
  readonly endedAt?: number | null;
  /** The idempotency key that Stripe says the run was created under. */
  readonly upstreamKey?: string | null;
}

export interface RunTransition {
  readonly version: number;
  readonly status: ReportRunStatus;
  /** When the ledger saw it, unix ms. */
  readonly at: number;
}

export interface RunningRun {
  readonly id: string;
  /** Unix ms. */
  readonly createdAt: number;
  readonly type: string;
}

/** The runs of one account. */
export interface Runs extends FollowedRuns, UnreadRuns {
  /**
   * The only writer of a run. `endedAt`: unix ms by id, where an event said when a run ended. `askedAt`: unix ms, when the read
   * began that showed them; without it the runs that still run do not count as looked at.
   */
  observe(
    items: readonly (ObservedRun | UnreadableRun)[],
    options?: {
      readonly tx?: Tx;
      readonly endedAt?: ReadonlyMap<string, number>;
      readonly askedAt?: number;
    },
  ): Promise<ObserveReport>;
  /** Only the ids the ledger knows are in the answer. */
  get(ids: readonly string[]): Promise<ReadonlyMap<string, LedgerRun>>;
  /** Runs with a status, newest first; only those strictly newer than `floor`. With `asker` as the snapshot has them. */
  page(request: RunPageRequest, floor: RunPosition | null, asker?: Asker): Promise<RunListing>;
  /** How many runs match, or `cap` if there are more. With `asker` as the snapshot has them. */
  count(filter: RunFilter, cap: number, asker?: Asker): Promise<number>;
  /** RUNNING runs, newest first; with `ids` only those among them. */
  running(api: StripeApi, options?: { readonly ids?: readonly string[] }): Promise<readonly RunningRun[]>;
  /**
   * RUNNING runs from one place down to another, both included, newest first. Null leaves that side open; the filter's
   * `status` does not count.
   */
  runningIn(
    filter: RunFilter,
    from: RunPosition | null,
    to: RunPosition | null,
    limit: number,
  ): Promise<readonly RunningRun[]>;
  /** The report types seen in runs, ascending. */
  types(api: StripeApi): Promise<readonly string[]>;
  /** Ascending. */
  transitions(id: string, afterVersion: number): Promise<readonly RunTransition[]>;
}

/** What every part of the ledger is opened with. */
export interface RunScope {
  readonly engine: Engine;
  readonly account: string;
  readonly decode: DecodeRun;
  /** Grows with every decoder that reads more than the last. */
  readonly decoderVersion: number;
  /** Unix ms. */
  readonly now: () => number;
}

const RUNNING = "account = ? and status = 'RUNNING'";

export function openRuns(scope: RunScope): Runs {
  const { engine, account } = scope;

  async function get(asker: Asker, ids: readonly string[]): Promise<ReadonlyMap<string, LedgerRun>> {
    const found = new Map<string, LedgerRun>();
    for (const batch of batches(ids)) {
      const rows = await asker.query<RunRow>(
        `select ${RUN_COLUMNS} from runs where account = ? and id in (${placeholders(batch.length)})`,
        [account, ...batch],
      );
      for (const row of rows) found.set(row.id, decodeRow(scope.decode, row));
    }
    return found;
  }

  return {
    get: (ids) => get(engine, ids),
    ...runPages(engine, account, get),
    ...unreadRuns(scope),
    ...followedRuns(engine, account),
    observe(items, { tx, ...times } = {}) {
      const work = (open: Tx): Promise<ObserveReport> =>
        observeIn(open, { account, decoderVersion: scope.decoderVersion, now: scope.now() }, items, times);
      return tx ? work(tx) : engine.tx(work);
    },
    running(api, { ids } = {}) {
      if (ids?.length === 0) return Promise.resolve([]);
      const among = ids ? ` and id in (${placeholders(ids.length)})` : '';
      return engine.query<RunningRun>(
        `select id, created as "createdAt", type from runs where ${RUNNING} and api = ?${among}
         order by created desc, id desc`,
        [account, api, ...(ids ?? [])],
      );
    },
    async types(api) {
      // One step of the index per type: a `distinct` would read every run.
      const types: string[] = [];
      let last = '';
      while (true) {
        const [row] = await engine.query<{ type: string; api: StripeApi }>(
          'select type, api from runs where account = ? and status is not null and type > ? order by type limit 1',
          [account, last],
        );
        if (!row) return types;
        if (row.api === api) types.push(row.type);
        last = row.type;
      }
    },
    transitions(id, afterVersion) {
      return engine.query<RunTransition>(
        'select version, status, at from transitions where account = ? and id = ? and version > ? order by version',
        [account, id, afterVersion],
      );
    },
  };
}

function decodeRow(decode: DecodeRun, row: RunRow): LedgerRun {
  const { id, api, version, status, seen } = row;
  const kept = { id, api, version, status, seen };
  if (row.body === null) return { ...kept, run: null, unreadableReason: null };
  const decoded = decode(api, JSON.parse(row.body) as JsonObject);
  return 'unreadable' in decoded
    ? { ...kept, run: null, unreadableReason: decoded.reason }
    : { ...kept, run: { ...decoded.run, finishedAt: row.finished }, unreadableReason: null };
}
