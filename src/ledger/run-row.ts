import type { ObservedRun, ReportRunStatus, StripeApi, UnreadableRun } from '../models/report-run.js';

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
  /** When a read that showed it was begun, unix ms. */
  readonly seen: number | null;
}

/** The columns of a RunRow. */
export const RUN_COLUMNS = 'id, api, type, status, created, finished, ended, version, body, seen';

function rank(status: ReportRunStatus | null): number {
  if (status === null) return 0;
  return status === 'RUNNING' ? 1 : 2;
}

/** The row after one more look at the run: `old` itself where the look was an earlier one. */
export function advance(
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
    seen: old?.seen ?? null,
  };
}

export function keepUnreadable(old: RunRow | null, item: UnreadableRun): RunRow {
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
    seen: old?.seen ?? null,
  };
}

export function sameRow(a: RunRow | undefined, b: RunRow): boolean {
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
