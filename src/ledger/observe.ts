import {
  idOfItem,
  type ObservedRun,
  type ReportRunStatus,
  type UnreadableRun,
} from '../models/report-run.js';
import type { Tx } from './engine.js';
import { lastSeq } from './run-changes.js';
import { advance, keepUnreadable, RUN_COLUMNS, type RunRow, sameRow } from './run-row.js';

/** What a call of `observe` did. */
export interface ObserveReport {
  /** Ids whose status moved: a transition was written and notified. */
  readonly changed: readonly string[];
  /** Ids that were SUCCEEDED and came as FAILED, or the other way round: the first is kept. */
  readonly conflicts: readonly string[];
  /** Ids among the items that broke their contract. */
  readonly unreadable: readonly string[];
}

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

/** Unix ms; null and missing ids where it is not known. */
interface ObserveTimes {
  readonly endedAt?: ReadonlyMap<string, number>;
  readonly askedAt?: number | null;
}

/**
 * Writes what was seen of runs: the only writer of a run. A run only moves forward (unread, RUNNING, ended), so that the same
 * items in any order and any number end alike. `endedAt` (unix ms by id) is when an event said that a run ended; `askedAt`
 * (unix ms) is when the read began that showed them: what it shows is at least as new.
 */
export async function observeIn(
  tx: Tx,
  scope: { readonly account: string; readonly decoderVersion: number; readonly now: number },
  items: readonly (ObservedRun | UnreadableRun)[],
  { endedAt = new Map(), askedAt = null }: ObserveTimes = {},
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
  if (askedAt !== null) await markSeen(tx, scope.account, [...after.keys()], askedAt);
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

/** That they were looked at, for those that run or cannot be read: whoever shares the database need not ask again so soon. */
async function markSeen(tx: Tx, account: string, ids: readonly string[], askedAt: number): Promise<void> {
  if (ids.length === 0) return;
  await tx.query(
    `update runs set seen = ?, missing_since = null, missing_times = null
     where account = ? and id in (${placeholders(ids.length)}) and (status = 'RUNNING' or status is null)
       and (seen is null or seen < ?)`,
    [askedAt, account, ...ids, askedAt],
  );
}

async function rowsOf(tx: Tx, account: string, ids: readonly string[]): Promise<Map<string, RunRow>> {
  if (ids.length === 0) return new Map();
  const rows = await tx.query<RunRow>(
    `select ${RUN_COLUMNS} from runs where account = ? and id in (${placeholders(ids.length)})`,
    [account, ...ids],
  );
  return new Map(rows.map((row) => [row.id, row]));
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
