import { apiOfReportTypeId } from '../models/ids.js';
import type { ReportRun, ReportRunStatus, StripeApi } from '../models/report-run.js';
import type { RunFilter, RunPosition } from '../models/run-page.js';
import type { SqlValue } from './engine.js';

/** One side of a stretch of the order; without `included` the place itself is outside. */
export interface Bound {
  readonly at: RunPosition;
  readonly included?: boolean;
}

/** A stretch of the order: older than `below` and newer than `above`, open where null. */
export interface Stretch {
  readonly below: Bound | null;
  readonly above: Bound | null;
}

/** An `and …` on the rows of `runs` that one index answers in the order of runs. */
export interface Branch {
  readonly where: string;
  readonly params: readonly SqlValue[];
}

const APIS: readonly StripeApi[] = ['V1', 'V2'];
const STATUSES: readonly ReportRunStatus[] = ['RUNNING', 'SUCCEEDED', 'FAILED'];

/** Whether a filter lets a run through: what the branches below say of its row. */
export function letsThrough(filter: RunFilter, run: ReportRun): boolean {
  return (
    (filter.api ?? run.api) === run.api &&
    (filter.status?.includes(run.status) ?? true) &&
    (filter.reportType?.includes(run.reportTypeId) ?? true) &&
    run.createdAt >= (filter.createdFrom ?? run.createdAt) &&
    (filter.createdBefore === undefined || run.createdAt < filter.createdBefore)
  );
}

/** Newest first; ids by code units. */
export function newestFirst(a: RunPosition, b: RunPosition): number {
  if (a.createdAt !== b.createdAt) return b.createdAt - a.createdAt;
  if (a.id === b.id) return 0;
  return a.id < b.id ? 1 : -1;
}

/** The newer of two lower bounds; of two at the same place the second, which must not include it. */
export function higher(a: Bound | null, b: Omit<Bound, 'included'> | null): Bound | null {
  if (a === null || b === null) return a ?? b;
  return newestFirst(a.at, b.at) < 0 ? a : b;
}

/** The older of two upper bounds. */
function lower(a: Bound | null, b: Bound | null): Bound | null {
  if (a === null || b === null) return a ?? b;
  return newestFirst(a.at, b.at) > 0 ? a : b;
}

/**
 * The filter's instants are places too: an empty id stands below every run of its instant, so that `createdFrom` is inside and
 * `createdBefore` outside.
 */
export function boundsOf({ createdFrom, createdBefore }: RunFilter, stretch: Stretch): Branch {
  const from = createdFrom === undefined ? null : { at: { createdAt: createdFrom, id: '' } };
  const until = createdBefore === undefined ? null : { at: { createdAt: createdBefore, id: '' } };
  const below = lower(stretch.below, until);
  const above = higher(stretch.above, from);
  let where = '';
  const params: SqlValue[] = [];
  if (below) {
    where += ` and (created, id) ${below.included ? '<=' : '<'} (?, ?)`;
    params.push(below.at.createdAt, below.at.id);
  }
  if (above) {
    where += ` and (created, id) ${above.included ? '>=' : '>'} (?, ?)`;
    params.push(above.at.createdAt, above.at.id);
  }
  return { where, params };
}

/**
 * A filter as branches that share no run, each with an index that gives exactly its runs in order. Lists of values in one
 * statement would make the database sort all that match, and a rare status among many runs would be looked for one by one.
 */
export function branchesOf({ api, status, reportType }: RunFilter): readonly Branch[] {
  if (!api && !status && !reportType) return [{ where: '', params: [] }];
  const statuses = STATUSES.filter((word) => status?.includes(word) ?? true);
  if (!reportType) {
    const apis = APIS.filter((word) => api === undefined || api === word);
    return apis.flatMap((one) =>
      statuses.map((word) => ({ where: ' and api = ? and status = ?', params: [one, word] })),
    );
  }
  const only = api ? { where: ' and api = ?', params: [api] } : { where: '', params: [] };
  // A type belongs to one API: looking for the other's runs of it would read them all and find none.
  const types = [...new Set(reportType)].filter((type) => !api || (apiOfReportTypeId(type) ?? api) === api);
  return types.flatMap((type) =>
    statuses.map((word) => ({
      where: ` and type = ? and status = ?${only.where}`,
      params: [type, word, ...only.params],
    })),
  );
}
