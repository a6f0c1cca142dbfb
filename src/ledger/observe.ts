import {
  idOfItem,
  type ObservedRun,
  type ReportRunStatus,
  type StripeApi,
  type UnreadableRun,
} from '../models/report-run.js';
import type { Tx } from './engine.js';
import { lastSeq } from './run-changes.js';

/** What a call of `observe` did. */
export interface ObserveReport {
  /** Ids whose status moved: a transition was written and notified. */
  readonly changed: readonly string[];
  /** Ids that were SUCCEEDED and came as FAILED, or the other way round: the first is kept. */
  readonly conflicts: readonly string[];
  /** Ids among the items that broke their contract. */
  readonly unreadable: readonly string[];
}

/** A row of `runs`, and what all reading of runs starts from. */
export interface RunRow {
  readonly id: string;
  readonly api: StripeApi;
  readonly type: string | null;
  readonly status: ReportRunStatus | null;
  readonly created: number | null;
  readonly finished: number | null;
  readonly ended: number | null;
  readonly version: number;
  readonly body: string | null;
}

/** The columns of a RunRow. */
export const RUN_COLUMNS = 'id, api, type, status, created, finished, ended, version, body';

/** The topic under which a run's transitions are notified. */
export function runTopic(account: string, id: string): string {
  return `run:${account}:${id}`;
}

/** The topic under which it is notified, once for each transaction, that some run has moved. */
export function runsTopic(account: string): string {
  return `runs:${account}`;
}

/** One `?` for each of `count` values, for an `in (…)`. */
export function placeholders(count: number): string {
  return Array.from({ length: count }, () => '?').join(', ');
}

/**
 * Writes what was seen of runs: the only writer of a run. A run only moves forward (unread, RUNNING, ended), so that the same
 * items in any order and any number end alike. `endedAt` (unix ms by id) is when an event said that a run ended.
 */
export async function observeIn(
  tx: Tx,
  scope: { readonly account: string; readonly decoderVersion: number; readonly now: number },
  items: readonly (ObservedRun | UnreadableRun)[],
  endedAt: ReadonlyMap<string, number>,
): Promise<ObserveReport> {
  const before = await rowsOf(tx, scope.account, items.map(idOfItem));
  const after = new Map(before);
  const transitions: { id: string; version: number; status: ReportRunStatus }[] = [];
  const conflicts = new Set<string>();
  const unreadable = new Set<string>();
  for (const item of items) {
    const id = idOfItem(item);
    const old = after.get(id) ?? null;
    if ('unreadable' in item) {
      unreadable.add(id);
      if (!old?.status) after.set(id, keepUnreadable(old, item));
      continue;
    }
    const next = advance(old, item, endedAt.get(id) ?? null, scope.now);
    if (next === 'conflict') {
      conflicts.add(id);
      continue;
    }
    if (next.version > (old?.version ?? 0))
      transitions.push({ id, version: next.version, status: item.run.status });
    after.set(id, next);
  }
  for (const [id, row] of after) {
    if (!sameRow(before.get(id), row)) await write(tx, scope, row);
  }
  let seq = transitions.length === 0 ? 0 : await lastSeq(tx, scope.account);
  for (const { id, version, status } of transitions) {
    seq = Math.max(seq + 1, scope.now);
    await tx.query(
      'insert into transitions (account, id, version, status, at, seq) values (?, ?, ?, ?, ?, ?)',
      [scope.account, id, version, status, scope.now, seq],
    );
    tx.notify(runTopic(scope.account, id));
  }
  if (transitions.length > 0) tx.notify(runsTopic(scope.account));
  const changed = new Set(transitions.map(({ id }) => id));
  return { changed: [...changed], conflicts: [...conflicts], unreadable: [...unreadable] };
}

async function rowsOf(tx: Tx, account: string, ids: readonly string[]): Promise<Map<string, RunRow>> {
  if (ids.length === 0) return new Map();
  const rows = await tx.query<RunRow>(
    `select ${RUN_COLUMNS} from runs where account = ? and id in (${placeholders(ids.length)})`,
    [account, ...ids],
  );
  return new Map(rows.map((row) => [row.id, row]));
}

function rank(status: ReportRunStatus | null): number {
  if (status === null) return 0;
  return status === 'RUNNING' ? 1 : 2;
}

/** The row after one more look at the run: `old` itself where the look was an earlier one. */
function advance(
  old: RunRow | null,
  item: ObservedRun,
  hint: number | null,
  now: number,
): RunRow | 'conflict' {
  const { run } = item;
  const oldStatus = old?.status ?? null;
  if (old && rank(run.status) < rank(oldStatus)) return old;
  const moved = rank(run.status) > rank(oldStatus);
  if (!moved && run.status !== oldStatus) return 'conflict';
  const ended = old?.ended ?? hint;
  const seen = run.finishedAt ?? hint ?? ended ?? (oldStatus === 'RUNNING' ? now : null);
  return {
    id: run.id,
    api: run.api,
    type: run.reportTypeId,
    status: run.status,
    created: run.createdAt,
    finished:
      run.status === 'RUNNING' ? null : moved ? seen : (old?.finished ?? run.finishedAt ?? hint ?? ended),
    ended,
    version: (old?.version ?? 0) + (moved ? 1 : 0),
    body: JSON.stringify(item.body),
  };
}

function keepUnreadable(old: RunRow | null, item: UnreadableRun): RunRow {
  return {
    id: item.id,
    api: item.api,
    type: null,
    status: null,
    created: item.createdAt ?? old?.created ?? null,
    finished: null,
    ended: old?.ended ?? null,
    version: old?.version ?? 0,
    body: JSON.stringify(item.body),
  };
}

function sameRow(a: RunRow | undefined, b: RunRow): boolean {
  if (a === undefined || a === b) return a === b;
  return (
    a.body === b.body &&
    a.status === b.status &&
    a.type === b.type &&
    a.created === b.created &&
    a.finished === b.finished &&
    a.ended === b.ended
  );
}

async function write(tx: Tx, scope: { account: string; decoderVersion: number }, row: RunRow): Promise<void> {
  await tx.query(
    `insert into runs (account, id, api, type, status, created, finished, ended, version, body, decoder)
     values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
     on conflict (account, id) do update set type = excluded.type, status = excluded.status, created = excluded.created,
       finished = excluded.finished, ended = excluded.ended, version = excluded.version, body = excluded.body,
       decoder = excluded.decoder`,
    [
      scope.account,
      row.id,
      row.api,
      row.type,
      row.status,
      row.created,
      row.finished,
      row.ended,
      row.version,
      row.body,
      scope.decoderVersion,
    ],
  );
}
