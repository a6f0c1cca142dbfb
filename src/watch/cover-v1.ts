import type { Priority } from '../datasources/admission.js';
import type { RunListRequest, StripeV1 } from '../datasources/stripe-v1.js';
import type { FollowedRun } from '../ledger/followed-runs.js';
import type { Ledger } from '../ledger/ledger.js';
import { idOfItem } from '../models/report-run.js';
import type { RunPosition } from '../models/run-page.js';
import type { Clock } from './clock.js';
import { endOf } from './marks-v1.js';
import type { Sightings } from './sightings.js';
import type { Unread } from './unread.js';

/** The most a list page can hold (Stripe docs, pagination). */
const PAGE = 100;
/** Stripe counts in seconds, ms, and promises no order within one. */
const SECOND = 1_000;
/** Counting the runs of one second stops here. */
const COUNT_MAX = 10_000;
/** Below every run. */
const BOTTOM: RunPosition = { createdAt: -1, id: '' };

export interface CoverV1Options {
  readonly v1: StripeV1;
  readonly ledger: Ledger;
  readonly sightings: Sightings;
  readonly unread: Unread;
  readonly clock: Clock;
}

/** What was done. */
interface Covered {
  readonly calls: number;
  /** The runs that were looked at, also those that nobody wanted. */
  readonly shown: ReadonlySet<string>;
  /** Whether every run was looked at. */
  readonly isWhole: boolean;
}

/**
 * Refreshes running runs with the fewest calls, newest first: a page begins right above the newest run that is left and shows its
 * 100 neighbours, then the next begins right above the newest that is still left. That is the best there is for pages of one length.
 * How near the neighbours are is known from the ledger; a run whose page would show no other is asked for by its id.
 */
export class CoverV1 {
  readonly #options: CoverV1Options;

  constructor(options: CoverV1Options) {
    this.#options = options;
  }

  /** `most` calls at most. Throws UpstreamError. */
  async cover(runs: readonly FollowedRun[], most: number, priority: Priority): Promise<Covered> {
    const { unread } = this.#options;
    const shown = new Set<string>();
    let left = runs;
    let calls = 0;
    /** Where the last page ended, and the run that it should have shown and did not. */
    let end: RunPosition | null = null;
    let missed: FollowedRun | null = null;
    for (; calls < most; calls += 1) {
      const [first, ...others] = left;
      if (first === undefined) break;
      const start: RunListRequest | null = first === missed ? null : await this.#startFor(left, end);
      if (start === null) {
        await unread.retrieve(first.id, priority);
        shown.add(first.id);
        left = others;
        continue;
      }
      const page = await this.#list(start, priority);
      for (const id of page.ids) shown.add(id);
      left = left.filter(({ id }) => !shown.has(id));
      end = page.end;
      // It may still come on the next page of the same second.
      missed = left[0] === first && end.createdAt !== first.createdAt ? first : null;
    }
    return { calls, shown, isWhole: left.length === 0 };
  }

  /** Where the page begins that shows the first of these; null where it is better asked for by its id. */
  async #startFor(left: readonly FollowedRun[], end: RunPosition | null): Promise<RunListRequest | null> {
    const [first, next] = left;
    if (first === undefined || (end !== null && end.createdAt < first.createdAt)) return null;
    const isWithin = end?.createdAt === first.createdAt;
    const start = isWithin ? { startingAfter: end.id } : { createdUntil: first.createdAt };
    if (next === undefined) return null;
    if (next.createdAt !== first.createdAt) {
      if (isWithin) return null;
      const nearer = await this.#count(next.createdAt + SECOND, first.createdAt + SECOND, PAGE);
      return nearer < PAGE ? start : null;
    }
    // In a second with many runs it takes all its pages to see them all.
    const all = await this.#count(first.createdAt, first.createdAt + SECOND, COUNT_MAX);
    const wanted = left.filter(({ createdAt }) => createdAt === first.createdAt).length;
    return all <= PAGE || wanted > Math.ceil(all / PAGE) ? start : null;
  }

  #count(createdFrom: number, createdBefore: number, most: number): Promise<number> {
    return this.#options.ledger.runs.count({ api: 'V1', createdFrom, createdBefore }, most);
  }

  /**
   * A page from the newest run of an instant on, or after a run. By time, not after the neighbour above: that would have to be known,
   * and may be gone.
   */
  async #list(
    start: RunListRequest,
    priority: Priority,
  ): Promise<{ readonly ids: ReadonlySet<string>; readonly end: RunPosition }> {
    const { v1, ledger, sightings, clock } = this.#options;
    const askedAt = clock.now();
    const page = await v1.as(priority).listRuns(start);
    sightings.saw(page, await ledger.runs.observe(page.items, { askedAt }));
    const end = page.hasMore ? endOf(page, null) : null;
    return { ids: new Set(page.items.map(idOfItem)), end: end ?? BOTTOM };
  }
}
