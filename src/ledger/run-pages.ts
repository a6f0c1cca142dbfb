import { apiOfReportTypeId } from '../models/ids.js';
import type { ReportRun, ReportRunStatus, StripeApi } from '../models/report-run.js';
import type { RunFilter, RunPosition } from '../models/run-page.js';
import type { Engine, SqlValue } from './engine.js';
import type { RunningRun, Runs } from './runs.js';

/** A page of the ledger, newest first whichever direction was read. */
export interface RunListing {
  readonly runs: readonly ReportRun[];
  /** Whether a matching run above the floor lies beyond the page in the reading direction. */
  readonly more: boolean;
  /** Whether one lies on the other side: where the reader came from. */
  readonly moreBefore: boolean;
}

/** One side of a stretch of the order; without `included` the place itself is outside. */
interface Bound {
  readonly at: RunPosition;
  readonly included?: boolean;
}

/** A stretch of the order: older than `below` and newer than `above`, open where null. */
interface Stretch {
  readonly below: Bound | null;
  readonly above: Bound | null;
}

/** An `and …` on the rows of `runs` that one index answers in the order of runs. */
interface Branch {
  readonly where: string;
  readonly params: readonly SqlValue[];
}

const APIS: readonly StripeApi[] = ['V1', 'V2'];
const STATUSES: readonly ReportRunStatus[] = ['RUNNING', 'SUCCEEDED', 'FAILED'];

export function runPages(
  engine: Engine,
  account: string,
  get: Runs['get'],
): Pick<Runs, 'page' | 'count' | 'runningIn' | 'neighbourAbove'> {
  /** The places of the first `limit` matching runs of a stretch, from its newest end or from its oldest. */
  async function places(
    filter: RunFilter,
    stretch: Stretch,
    from: 'newest' | 'oldest',
    limit: number,
  ): Promise<readonly RunningRun[]> {
    const bounds = boundsOf(filter, stretch);
    const order = from === 'newest' ? 'created desc, id desc' : 'created, id';
    const found: RunningRun[] = [];
    for (const branch of branchesOf(filter)) {
      const rows = await engine.query<RunningRun>(
        `select id, created as "createdAt", type from runs
         where account = ? and status is not null${branch.where}${bounds.where} order by ${order} limit ?`,
        [account, ...branch.params, ...bounds.params, limit],
      );
      found.push(...rows);
    }
    found.sort(from === 'newest' ? newestFirst : (a, b) => newestFirst(b, a));
    return found.slice(0, limit);
  }

  async function exists(filter: RunFilter, stretch: Stretch): Promise<boolean> {
    return (await places(filter, stretch, 'newest', 1)).length > 0;
  }

  return {
    async page({ filter, direction, limit, after, before }, floor) {
      const forward = direction === 'forward';
      const low: Bound | null = floor && { at: floor };
      let below: Bound | null = after && { at: after };
      let above: Bound | null = higher(before && { at: before }, low);
      const runs: ReportRun[] = [];
      // The place up to which was read: what lies beyond it, and what lies before the start, decides the flags.
      let end: Bound | null = forward ? below : before && { at: before };
      const start: Bound | null = end && { ...end, included: true };
      while (runs.length < limit) {
        const wanted = limit - runs.length;
        const found = await places(filter, { below, above }, forward ? 'newest' : 'oldest', wanted);
        const known = await get(found.map(({ id }) => id));
        for (const { id } of found) {
          const run = known.get(id)?.run;
          // A body that today's decoder cannot read is left out, and the next run takes its place.
          if (run) runs.push(run);
        }
        const last = found.at(-1);
        if (last) end = { at: last };
        if (found.length < wanted) break;
        if (forward) below = end;
        else above = end;
      }
      const first = runs[0];
      const behind: Bound | null = first ? { at: { createdAt: first.createdAt, id: first.id } } : start;
      const beyondStretch = forward ? { below: end, above: low } : { below: null, above: higher(end, low) };
      const behindStretch = forward
        ? { below: null, above: higher(behind, low) }
        : { below: behind, above: low };
      return {
        runs: forward ? runs : runs.reverse(),
        more: await exists(filter, beyondStretch),
        moreBefore: behind !== null && (await exists(filter, behindStretch)),
      };
    },
    async count(filter, cap) {
      const bounds = boundsOf(filter, { below: null, above: null });
      let total = 0;
      for (const branch of branchesOf(filter)) {
        if (total >= cap) break;
        const [row] = await engine.query<{ n: number }>(
          `select count(*) as n from (select 1 from runs
           where account = ? and status is not null${branch.where}${bounds.where} limit ?) as matching`,
          [account, ...branch.params, ...bounds.params, cap - total],
        );
        total += row?.n ?? 0;
      }
      return total;
    },
    runningIn(filter, from, to, limit) {
      const running: RunFilter = { ...filter, status: ['RUNNING'] };
      const below = from && { at: from, included: true };
      const above = to && { at: to, included: true };
      return places(running, { below, above }, 'newest', limit);
    },
    async neighbourAbove(api, createdAt) {
      const newer: RunFilter = { api, createdFrom: createdAt + 1 };
      const [oldest] = await places(newer, { below: null, above: null }, 'oldest', 1);
      return oldest?.id ?? null;
    },
  };
}

/** Newest first; ids by code units. */
function newestFirst(a: RunPosition, b: RunPosition): number {
  if (a.createdAt !== b.createdAt) return b.createdAt - a.createdAt;
  if (a.id === b.id) return 0;
  return a.id < b.id ? 1 : -1;
}

/** The newer of two lower bounds. */
function higher(a: Bound | null, b: Bound | null): Bound | null {
  if (a === null || b === null) return a ?? b;
  const order = newestFirst(a.at, b.at);
  if (order === 0) return a.included ? b : a;
  return order < 0 ? a : b;
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
function boundsOf({ createdFrom, createdBefore }: RunFilter, stretch: Stretch): Branch {
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
function branchesOf({ api, status, reportType }: RunFilter): readonly Branch[] {
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
