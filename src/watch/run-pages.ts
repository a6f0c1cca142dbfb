import type { RunListing } from '../ledger/run-pages.js';
import { GatewayError, toGatewayError, UpstreamError } from '../models/errors.js';
import type { StripeApi } from '../models/report-run.js';
import type { RunFilter, RunPage, RunPageRequest, RunPosition } from '../models/run-page.js';
import { type Coverage, type CoverageOptions, coverageOf, isAbsent } from './coverage.js';
import type { Feed } from './feed.js';
import { FRESH_MS, READ_WAIT_MS } from './pace.js';
import type { RunReader } from './run-reader.js';
import { within } from './within.js';

/** How many pages of Stripe's list one read may fetch beyond the horizon. */
const PAGES_PER_READ = 5;
/** How often a page is read again because running runs in it turned out to have ended. */
const REREADS = 3;
/** Counting stops here. */
const COUNT_MAX = 10_000;

export interface RunPagesOptions extends CoverageOptions {
  readonly reader: RunReader;
  readonly feeds: Readonly<Record<StripeApi, Feed>>;
}

/** Lists are read from the ledger, after it was brought up to date as far as the list needs it. */
export class RunPages {
  readonly #options: RunPagesOptions;

  constructor(options: RunPagesOptions) {
    this.#options = options;
  }

  /** Newest first. Throws HISTORY_INCOMPLETE where the far end is wanted and not known yet. */
  async page(request: RunPageRequest): Promise<RunPage> {
    const { filter, direction, after, before } = request;
    if (direction === 'backward' || after === null) await this.#readNews(filter);
    if (direction === 'backward' && before === null && !(await this.#isComplete(filter)))
      throw historyIncomplete();
    const coverage = await coverageOf(this.#options, filter, after?.createdAt ?? null);
    let { listing, floor } = await this.#read(request, coverage);
    for (let reread = 0; reread < REREADS && (await this.#refresh(request, listing, floor)); reread += 1) {
      ({ listing, floor } = await this.#read(request, coverage));
    }
    return toPage(request, listing, floor);
  }

  /** Null until the whole history is known. */
  async count(filter: RunFilter): Promise<number | null> {
    return (await this.#isComplete(filter)) ? this.#options.ledger.runs.count(filter, COUNT_MAX) : null;
  }

  /** The ledger's page, and how far down it may be believed; pages of Stripe's list are fetched until it is enough, or 5, or 2 s. */
  async #read(
    request: RunPageRequest,
    coverage: Coverage,
  ): Promise<{ listing: RunListing; floor: RunPosition | null }> {
    const { ledger, now } = this.#options;
    const began = now();
    for (let fetched = 0; ; fetched += 1) {
      const floor = await coverage.floor();
      const listing = await ledger.runs.page(request, floor);
      if (isEnough(request, listing, floor)) return { listing, floor };
      if (fetched === PAGES_PER_READ || now() - began > READ_WAIT_MS)
        return this.#partial(request, listing, floor);
      try {
        await coverage.extend();
      } catch (error) {
        if (!(error instanceof UpstreamError)) throw error;
        this.#options.states.failed('V1', error);
        // With nothing at all to show, the reason why is the better answer.
        if (listing.runs.length === 0 && request.limit > 0) throw toGatewayError(error);
        return this.#partial(request, listing, floor);
      }
    }
  }

  #partial(request: RunPageRequest, listing: RunListing, floor: RunPosition | null) {
    // Going back, a gap would lie between what is shown and where the reader came from.
    if (request.direction === 'backward') throw historyIncomplete();
    return { listing, floor };
  }

  /** Looks for new runs unless that was done within the last second; answers are from the ledger if it takes over 2 s. */
  async #readNews(filter: RunFilter): Promise<void> {
    const { feeds, states, now, ledger } = this.#options;
    const apis = (['V1', 'V2'] as const).filter((api) => filter.api === undefined || filter.api === api);
    const stale = apis.filter((api) => now() - (states.get()[api].asOf ?? 0) > FRESH_MS);
    await within(READ_WAIT_MS, Promise.all(stale.map((api) => feeds[api].ask({ news: true }))));
    const failures = apis.map((api) => states.lastError(api));
    const marks = await Promise.all(apis.map((api) => ledger.feeds.get(api)));
    const [failure] = failures;
    const isBlind = apis.every((_, index) => failures[index] !== null && marks[index]?.refreshed === null);
    if (isBlind && failure) throw toGatewayError(failure);
  }

  /** Brings the running runs of a page up to date: whether any of them has moved, so that the page has to be read again. */
  async #refresh(request: RunPageRequest, listing: RunListing, floor: RunPosition | null): Promise<boolean> {
    const { ledger, reader, sightings } = this.#options;
    const { from, to } = extent(request, listing, floor);
    const running = (await ledger.runs.runningIn(request.filter, from, to, 100)).map(({ id }) => id);
    const stale = running.filter((id) => !sightings.isFresh(id));
    if (stale.length === 0) return false;
    await reader.refresh(stale);
    const still = await ledger.runs.get(stale);
    return stale.some((id) => still.get(id)?.status !== 'RUNNING');
  }

  /** Whether everything that the filter could show has been found. An API that the key may not use has nothing to find. */
  async #isComplete(filter: RunFilter): Promise<boolean> {
    const { ledger, states } = this.#options;
    const apis = (['V1', 'V2'] as const).filter((api) => filter.api === undefined || filter.api === api);
    const complete = await Promise.all(
      apis.map(async (api) => {
        const marks = await ledger.feeds.get(api);
        const isAbove = marks.horizon !== null && (filter.createdFrom ?? 0) > marks.horizon.createdAt;
        // v2's runs are known by their ids first; until each was read, their number is not.
        const isUnread = api === 'V2' && (await ledger.runs.unread('V2', 1)).length > 0;
        return (marks.complete && !isUnread) || isAbove || isAbsent(api, states, marks);
      }),
    );
    return complete.every(Boolean);
  }
}

/** Whether a listing is all that was asked for, its flags included. */
function isEnough(request: RunPageRequest, listing: RunListing, floor: RunPosition | null): boolean {
  if (floor === null) return true;
  if (request.direction === 'forward') return listing.runs.length === request.limit && listing.more;
  return request.before !== null && isNewer(request.before, floor);
}

function isNewer(a: RunPosition, b: RunPosition): boolean {
  return a.createdAt > b.createdAt || (a.createdAt === b.createdAt && a.id > b.id);
}

/** The stretch of the order that a page speaks of: null is open. */
function extent(
  request: RunPageRequest,
  listing: RunListing,
  floor: RunPosition | null,
): { from: RunPosition | null; to: RunPosition | null } {
  const newest = listing.runs[0] ?? null;
  const oldest = listing.runs.at(-1) ?? null;
  const isFull = listing.runs.length === request.limit;
  return request.direction === 'forward'
    ? { from: request.after, to: isFull ? oldest : (request.before ?? floor) }
    : { from: isFull ? newest : request.after, to: request.before };
}

function toPage(request: RunPageRequest, listing: RunListing, floor: RunPosition | null): RunPage {
  const { runs, more, moreBefore } = listing;
  const isUnread = floor !== null;
  if (request.direction === 'backward') {
    return { runs, hasPreviousPage: more, hasNextPage: moreBefore, lookedUntil: null };
  }
  const isShort = isUnread && runs.length < request.limit && floor.createdAt < Number.MAX_SAFE_INTEGER;
  return {
    runs,
    hasNextPage: more || isUnread,
    hasPreviousPage: moreBefore,
    lookedUntil: isShort ? floor : null,
  };
}

function historyIncomplete(): GatewayError {
  return new GatewayError(
    'HISTORY_INCOMPLETE',
    'The history of v1 runs has not been read to its end yet. Try again in a moment, or page forward from the newest run.',
  );
}
