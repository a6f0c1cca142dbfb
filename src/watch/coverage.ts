import type { StripeV1 } from '../datasources/stripe-v1.js';
import type { Asker } from '../ledger/engine.js';
import type { FeedMarks } from '../ledger/feeds.js';
import type { Ledger } from '../ledger/ledger.js';
import type { StripeApi } from '../models/report-run.js';
import type { RunFilter, RunPosition } from '../models/run-page.js';
import type { Sightings } from './sightings.js';
import { above, endOf, TOP } from './marks-v1.js';
import type { StretchV1 } from './stretch-v1.js';
import type { UpstreamStates } from './upstream-states.js';
import type { Clock } from './clock.js';

/** How much of v1's history a list can rely on. */
export interface Coverage {
  /** Reads the ledger with the floor: all runs strictly newer are in it; null: there is nothing below that the list could want. */
  read<T>(work: (floor: RunPosition | null, asker: Asker) => Promise<T>): Promise<T>;
  /** Reads one page more of Stripe's list. Throws UpstreamError. */
  extend(): Promise<void>;
}

export interface CoverageOptions {
  readonly v1: StripeV1;
  readonly ledger: Ledger;
  readonly stretch: StretchV1;
  readonly sightings: Sightings;
  readonly states: UpstreamStates;
  readonly clock: Clock;
  /** Has the head of v1's list read, by whoever has its feed; resolves when that was tried. */
  readonly readHead: () => Promise<void>;
}

/** Whether the key may not use an API, and never could: then there is nothing of it to wait for. */
export function isAbsent(api: StripeApi, states: UpstreamStates, marks: FeedMarks): boolean {
  return states.get()[api].state === 'UNAVAILABLE' && marks.refreshed === null;
}

/** What a list with this filter can rely on, read from `start` (unix ms) downwards where the range is its own. */
export async function coverageOf(
  options: CoverageOptions,
  filter: RunFilter,
  start: number | null,
): Promise<Coverage> {
  const all = allCoverage(options);
  if (filter.api === 'V2') return all;
  const marks = await options.ledger.feeds.get('V1');
  if (isAbsent('V1', options.states, marks)) return all;
  const isBelow =
    marks.horizon !== null && (filter.createdBefore ?? Number.POSITIVE_INFINITY) <= marks.horizon.createdAt;
  return !marks.complete && isBelow
    ? rangeCoverage(options, filter, start)
    : stretchCoverage(options, filter);
}

/** Whatever there is, is in the ledger. */
function allCoverage({ ledger }: CoverageOptions): Coverage {
  return {
    read: (work) => ledger.snapshot((asker) => work(null, asker)),
    extend: () => Promise.resolve(),
  };
}

/** The unbroken stretch; extending moves its horizon for everybody. */
function stretchCoverage(
  { stretch, states, readHead }: CoverageOptions,
  { createdFrom = Number.NEGATIVE_INFINITY }: RunFilter,
): Coverage {
  return {
    read: (work) =>
      stretch.read((floor, asker) =>
        work(floor !== null && createdFrom >= floor.createdAt ? null : floor, asker),
      ),
    async extend() {
      if (await stretch.hasHead()) return stretch.extend();
      await readHead();
      const error = states.lastError('V1');
      if (error !== null) throw error;
    },
  };
}

/** A range wholly below the horizon is read by itself, with Stripe's own filters; the horizon stays where it is. */
function rangeCoverage(
  { v1, ledger, sightings, states, clock }: CoverageOptions,
  { createdFrom, createdBefore = Number.MAX_SAFE_INTEGER }: RunFilter,
  start: number | null,
): Coverage {
  const createdUntil = Math.min(createdBefore - 1, start ?? createdBefore);
  const range = createdFrom === undefined ? { createdUntil } : { createdUntil, createdFrom };
  let end: RunPosition | null = null;
  let isWhole = false;
  return {
    read: (work) =>
      ledger.snapshot((asker) => work(isWhole ? null : end === null ? TOP : above(end.createdAt), asker)),
    async extend() {
      const askedAt = clock.now();
      const page = await v1.listRuns(end === null ? range : { ...range, startingAfter: end.id });
      states.answered('V1');
      sightings.saw(page, await ledger.runs.observe(page.items, { askedAt }));
      end = endOf(page, end);
      isWhole = !page.hasMore;
    },
  };
}
