import type { ReportRun } from '../models/report-run.js';
import type { RunFilter, RunPageRequest, RunPosition } from '../models/run-page.js';
import type { Asker, Engine } from './engine.js';
import { type Bound, boundsOf, branchesOf, higher, newestFirst, type Stretch } from './run-filter.js';
import type { LedgerRun, RunningRun, Runs } from './runs.js';

/** A page of the ledger, newest first whichever direction was read. */
export interface RunListing {
  readonly runs: readonly ReportRun[];
  /** Whether a matching run above the floor lies beyond the page in the reading direction. */
  readonly more: boolean;
  /** Whether one lies on the other side: where the reader came from. */
  readonly moreBefore: boolean;
}

/**
 * A list is several statements, so each reads in one transaction: a run that moved on between two of them would be seen twice.
 */
export function runPages(
  engine: Engine,
  account: string,
  get: (tx: Asker, ids: readonly string[]) => Promise<ReadonlyMap<string, LedgerRun>>,
): Pick<Runs, 'page' | 'count' | 'runningIn'> {
  /** The places of the first `limit` matching runs of a stretch, from its newest end or from its oldest. */
  async function places(
    tx: Asker,
    filter: RunFilter,
    stretch: Stretch,
    from: 'newest' | 'oldest',
    limit: number,
  ): Promise<readonly RunningRun[]> {
    const bounds = boundsOf(filter, stretch);
    const order = from === 'newest' ? 'created desc, id desc' : 'created, id';
    const found: RunningRun[] = [];
    for (const branch of branchesOf(filter)) {
      const rows = await tx.query<RunningRun>(
        `select id, created as "createdAt", type from runs
         where account = ? and status is not null${branch.where}${bounds.where} order by ${order} limit ?`,
        [account, ...branch.params, ...bounds.params, limit],
      );
      found.push(...rows);
    }
    found.sort(from === 'newest' ? newestFirst : (a, b) => newestFirst(b, a));
    return found.slice(0, limit);
  }

  async function exists(tx: Asker, filter: RunFilter, stretch: Stretch): Promise<boolean> {
    return (await places(tx, filter, stretch, 'newest', 1)).length > 0;
  }

  async function page(
    tx: Asker,
    { filter, direction, limit, after, before }: RunPageRequest,
    floor: RunPosition | null,
  ): Promise<RunListing> {
    const forward = direction === 'forward';
    const low: Bound | null = floor && { at: floor };
    let below: Bound | null = after && { at: after };
    let above: Bound | null = higher(before && { at: before }, low);
    const runs: ReportRun[] = [];
    // What lies beyond the place up to which was read, and what lies before the start, decides the flags.
    let end: Bound | null = forward ? below : before && { at: before };
    const start: Bound | null = end && { ...end, included: true };
    while (runs.length < limit) {
      const wanted = limit - runs.length;
      const found = await places(tx, filter, { below, above }, forward ? 'newest' : 'oldest', wanted);
      const known = await get(
        tx,
        found.map(({ id }) => id),
      );
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
    const beyondStretch = forward ? { below: end, above: low } : { below: null, above: higher(end, low) };
    const behindStretch = forward ? { below: null, above: higher(start, low) } : { below: start, above: low };
    return {
      runs: forward ? runs : runs.reverse(),
      more: await exists(tx, filter, beyondStretch),
      moreBefore: start !== null && (await exists(tx, filter, behindStretch)),
    };
  }

  async function count(tx: Asker, filter: RunFilter, cap: number): Promise<number> {
    const bounds = boundsOf(filter, { below: null, above: null });
    let total = 0;
    for (const branch of branchesOf(filter)) {
      if (total >= cap) break;
      const [row] = await tx.query<{ n: number }>(
        `select count(*) as n from (select 1 from runs
           where account = ? and status is not null${branch.where}${bounds.where} limit ?) as matching`,
        [account, ...branch.params, ...bounds.params, cap - total],
      );
      total += row?.n ?? 0;
    }
    return total;
  }

  return {
    page: (request, floor, asker) =>
      asker ? page(asker, request, floor) : engine.snapshot((tx) => page(tx, request, floor)),
    count: (filter, cap, asker) =>
      asker ? count(asker, filter, cap) : engine.snapshot((tx) => count(tx, filter, cap)),
    runningIn(filter, from, to, limit) {
      const running: RunFilter = { ...filter, status: ['RUNNING'] };
      const below = from && { at: from, included: true };
      const above = to && { at: to, included: true };
      return engine.snapshot((tx) => places(tx, running, { below, above }, 'newest', limit));
    },
  };
}
