import type { RunList } from '../datasources/stripe-v1.js';
import type { FeedMarks } from '../ledger/feeds.js';
import { UpstreamError } from '../models/errors.js';
import { apiOfRunId } from '../models/ids.js';
import { idOfItem } from '../models/report-run.js';
import type { RunPosition } from '../models/run-page.js';
import { LIST_LAG_MS } from './pace.js';

/** A page of v1's list, and when (unix ms) it was asked for. */
export type Page = RunList & { readonly askedAt: number };

/** How far down a read got that has not met a readable run: nowhere. Unix ms. */
export const NOWHERE = Number.MAX_SAFE_INTEGER - 1;

/** Above every run: nothing is covered. */
export const TOP: RunPosition = above(NOWHERE);

/** All that Stripe's list showed strictly newer than this is in the ledger; null: all there is. */
export function floorOf({ gap, complete, horizon }: FeedMarks): RunPosition | null {
  if (gap !== null) return above(gap);
  if (complete) return null;
  return horizon === null ? TOP : above(horizon.createdAt);
}

/** The place right above all runs of an instant (unix ms): Stripe promises no order within one, so it is covered whole or not at all. */
export function above(createdAt: number): RunPosition {
  return { createdAt: createdAt + 1, id: '' };
}

/** A read of the head that got below this instant (unix ms) has met the stretch. The very first one begins it. */
export function goalOf({ newest, horizon, complete }: FeedMarks): number {
  if (horizon === null && !complete) return NOWHERE;
  return newest === null ? Number.NEGATIVE_INFINITY : newest - LIST_LAG_MS;
}

/** The lower marks after an unbroken read from the top down to the end of `page`. */
export function deeper(marks: FeedMarks, end: RunPosition | null, page: RunList): Partial<FeedMarks> {
  if (marks.complete) return {};
  if (!page.hasMore) return { horizon: end ?? marks.horizon, complete: true };
  return end !== null && end.createdAt < (marks.horizon?.createdAt ?? Number.MAX_SAFE_INTEGER)
    ? { horizon: end }
    : {};
}

/**
 * How far down a page got that began after `from`: the time of its last readable run, which is never too early, and the id of its
 * last item that can be named to Stripe. Odd items must neither stop the reading nor say how far it got.
 */
export function endOf(page: RunList, from: RunPosition | null): RunPosition | null {
  const id = page.items.map(idOfItem).findLast((one) => apiOfRunId(one) === 'V1');
  if (id === undefined && page.hasMore) {
    throw new UpstreamError(
      'contract',
      'Stripe answered a list page that has more runs after it but none in it to go on from',
      { requestId: page.requestId },
    );
  }
  if (id === undefined) return from;
  const last = page.items.findLast((item) => 'run' in item);
  return { createdAt: last?.run.createdAt ?? from?.createdAt ?? NOWHERE, id };
}

/** The newest readable run's time; a time that has not come yet would make everything look old. */
export function newestOf({ items, askedAt }: Page): number | null {
  const times = items.flatMap((item) => ('run' in item ? [item.run.createdAt] : []));
  return times.length === 0 ? null : Math.min(Math.max(...times), askedAt);
}
