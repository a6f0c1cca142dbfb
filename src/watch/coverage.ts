import type { StripeV1 } from '../datasources/stripe-v1.js';
import type { Feed } from '../ledger/feeds.js';
import type { Ledger } from '../ledger/ledger.js';
import type { StripeApi } from '../models/report-run.js';
import type { RunFilter, RunPosition } from '../models/run-page.js';
import type { FeedV1 } from './feed-v1.js';
import type { Sightings } from './sightings.js';
import type { UpstreamStates } from './upstream-states.js';

/**
 * How much of v1's history a list can rely on: all runs strictly newer than the floor are in the ledger. Null means that there is
 * nothing below that the list could want.
 */
export interface Coverage {
  floor(): Promise<RunPosition | null>;
  /** Reads one page more. */
  extend(): Promise<void>;
}

/** Above every id of its instant: with `strictly newer` it shuts out the whole instant, whose order Stripe does not promise. */
const ABOVE_ALL_IDS = '~';

/** Nothing is covered yet. */
const TOP: RunPosition = { createdAt: Number.MAX_SAFE_INTEGER, id: ABOVE_ALL_IDS };

/** Whatever there is, is in the ledger. */
const ALL: Coverage = { floor: () => Promise.resolve(null), extend: () => Promise.resolve() };

export interface CoverageOptions {
  readonly v1: StripeV1;
  readonly ledger: Ledger;
  readonly feed: FeedV1;
  readonly sightings: Sightings;
  readonly states: UpstreamStates;
  readonly now: () => number;
}

/** Whether the key may not use an API, and never could: then there is nothing of it to wait for. */
export function isAbsent(api: StripeApi, states: UpstreamStates, marks: Feed): boolean {
  return states.get()[api].state === 'UNAVAILABLE' && marks.refreshed === null;
}

/** What a list with this filter can rely on, read from `start` (unix ms) downwards where the range is its own. */
export async function coverageOf(
  options: CoverageOptions,
  filter: RunFilter,
  start: number | null,
): Promise<Coverage> {
  if (filter.api === 'V2') return ALL;
  const marks = await options.ledger.feeds.get('V1');
  if (isAbsent('V1', options.states, marks)) return ALL;
  const isBelow =
    marks.horizon !== null && (filter.createdBefore ?? Number.POSITIVE_INFINITY) <= marks.horizon.createdAt;
  return !marks.complete && isBelow
    ? rangeCoverage(options, filter, start)
    : stretchCoverage(options, filter);
}

/** The feed's unbroken stretch; extending moves its horizon for everybody. */
function stretchCoverage({ ledger, feed }: CoverageOptions, filter: RunFilter): Coverage {
  return {
    async floor() {
      const { complete, horizon } = await ledger.feeds.get('V1');
      if (complete) return null;
      if (horizon === null) return TOP;
      const isAbove = filter.createdFrom !== undefined && filter.createdFrom > horizon.createdAt;
      return isAbove ? null : { createdAt: horizon.createdAt, id: ABOVE_ALL_IDS };
    },
    extend: () => feed.extend(),
  };
}

/** A range wholly below the horizon is read by itself, with Stripe's own filters; the horizon stays where it is. */
function rangeCoverage(
  { v1, ledger, sightings, now }: CoverageOptions,
  filter: RunFilter,
  start: number | null,
): Coverage {
  const last = (filter.createdBefore ?? Number.MAX_SAFE_INTEGER) - 1;
  const createdUntil = Math.min(last, start ?? last);
  let floor: RunPosition | null = TOP;
  let startingAfter: string | undefined;
  return {
    floor: () => Promise.resolve(floor),
    async extend() {
      const askedAt = now();
      const page = await v1.listRuns({
        createdUntil,
        ...(filter.createdFrom === undefined ? {} : { createdFrom: filter.createdFrom }),
        ...(startingAfter === undefined ? {} : { startingAfter }),
      });
      sightings.saw({ ...page, askedAt }, await ledger.runs.observe(page.items));
      const readable = page.items.findLast((item) => 'run' in item);
      const item = page.items.at(-1);
      if (item !== undefined) startingAfter = 'unreadable' in item ? item.id : item.run.id;
      if (!page.hasMore) floor = null;
      else if (readable !== undefined) floor = { createdAt: readable.run.createdAt, id: ABOVE_ALL_IDS };
    },
  };
}
