import { GatewayError, toGatewayError, UpstreamError } from '../models/errors.js';
import type { StripeApi } from '../models/report-run.js';
import type { RunFilter, RunPage, RunPageRequest } from '../models/run-page.js';
import { type Coverage, type CoverageOptions, coverageOf, isAbsent } from './coverage.js';
import type { Feed } from './feed.js';
import type { FeedV2 } from './feed-v2.js';
import { extent, isEnough, type Look, toPage } from './look.js';
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
  readonly feedV2: FeedV2;
}

/** Lists are read from the ledger, after it was brought up to date as far as the list needs it and 2 s allow. */
export class RunPages {
  readonly #options: RunPagesOptions;

  constructor(options: RunPagesOptions) {
    this.#options = options;
  }

  /** Newest first. Throws HISTORY_INCOMPLETE where the far end is wanted and not known yet. */
  async page(request: RunPageRequest): Promise<RunPage> {
    const { filter, direction, after, before } = request;
    const deadline = this.#options.clock.now() + READ_WAIT_MS;
    const isFromTop = direction === 'backward' || after === null;
    const failure = isFromTop ? await this.#readNews(filter, deadline) : null;
    const coverage = await coverageOf(this.#options, filter, after?.createdAt ?? null);
    // With nothing at all to show, the reason why is the better answer.
    if (failure !== null && (await this.#look(request, coverage)).listing.runs.length === 0) throw failure;
    if (direction === 'backward' && before === null && !(await this.#isComplete(filter, coverage)))
      throw historyIncomplete();
    let look = await this.#read(request, coverage, deadline);
    for (let reread = 0; reread < REREADS && (await this.#refresh(request, look, deadline)); reread += 1) {
      look = await this.#read(request, coverage, deadline);
    }
    return toPage(request, look);
  }

  /** Null until the whole history is known. */
  async count(filter: RunFilter): Promise<number | null> {
    const coverage = await coverageOf(this.#options, filter, null);
    if (!(await this.#isComplete(filter, coverage))) return null;
    const { runs } = this.#options.ledger;
    return coverage.read(async (floor, asker) =>
      floor === null ? runs.count(filter, COUNT_MAX, asker) : null,
    );
  }

  /** Pages of Stripe's list are fetched until the ledger's page is enough, but no more than 5. */
  async #read(request: RunPageRequest, coverage: Coverage, deadline: number): Promise<Look> {
    const { clock } = this.#options;
    for (let fetched = 0; ; fetched += 1) {
      const look = await this.#look(request, coverage);
      if (isEnough(request, look)) return look;
      const isOver = fetched === PAGES_PER_READ || clock.now() >= deadline;
      if (!isOver && (await this.#extend(coverage, deadline, look.listing.runs.length === 0))) continue;
      // Going back, a gap would lie between what is shown and where the reader came from.
      if (request.direction === 'backward') throw historyIncomplete();
      return look;
    }
  }

  #look(request: RunPageRequest, coverage: Coverage): Promise<Look> {
    const { runs } = this.#options.ledger;
    return coverage.read(async (floor, asker) => ({
      listing: await runs.page(request, floor, asker),
      floor,
    }));
  }

  /** Whether a page more was read in time; throws the reason why it was not where there is nothing at all to show. */
  async #extend(coverage: Coverage, deadline: number, isEmpty: boolean): Promise<boolean> {
    const { clock, states } = this.#options;
    try {
      return await within(clock, deadline - clock.now(), coverage.extend());
    } catch (error) {
      if (!(error instanceof UpstreamError)) throw error;
      states.failed('V1', error);
      if (isEmpty) throw listFailure(error);
      return false;
    }
  }

  /** Looks for new runs unless that was done within the last second. Gives the reason why there was never anything to be seen. */
  async #readNews(filter: RunFilter, deadline: number): Promise<GatewayError | null> {
    const { feeds, states, clock, ledger } = this.#options;
    const apis = apisOf(filter);
    const stale = apis.filter((api) => clock.now() - (states.get()[api].asOf ?? 0) > FRESH_MS);
    const late = new Set<StripeApi>();
    await Promise.all(
      stale.map(async (api) => {
        const answers = states.answers(api);
        if (await within(clock, deadline - clock.now(), feeds[api].ask({ news: true }))) return;
        late.add(api);
        if (states.answers(api) === answers) states.slow(api);
      }),
    );
    const marks = await Promise.all(apis.map((api) => ledger.feeds.get(api)));
    const isBlind = apis.every(
      (api, index) => marks[index]?.refreshed === null && (late.has(api) || states.lastError(api) !== null),
    );
    if (!isBlind) return null;
    const [error = null] = apis.map((api) => states.lastError(api)).filter((one) => one !== null);
    return error === null ? noAnswer() : listFailure(error);
  }

  /** Brings the running runs of a page up to date: whether any of them has moved, so that the page has to be read again. */
  async #refresh(request: RunPageRequest, look: Look, deadline: number): Promise<boolean> {
    const { ledger, reader, clock } = this.#options;
    const { from, to } = extent(request, look);
    const running = (await ledger.runs.runningIn(request.filter, from, to, 100)).map(({ id }) => id);
    if (running.length === 0 || clock.now() >= deadline) return false;
    await within(clock, deadline - clock.now(), reader.refresh(running));
    const still = await ledger.runs.get(running);
    return running.some((id) => still.get(id)?.status !== 'RUNNING');
  }

  /** Whether everything that the filter could show has been found. An API that the key may not use has nothing to find. */
  async #isComplete(filter: RunFilter, coverage: Coverage): Promise<boolean> {
    const { ledger, states, feedV2 } = this.#options;
    if (apisOf(filter).includes('V2')) {
      const marks = await ledger.feeds.get('V2');
      // v2's runs are known by their ids first; until each was read, their number is not.
      const isKnown = marks.complete && !(await feedV2.hasUnread());
      if (!isKnown && !isAbsent('V2', states, marks)) return false;
    }
    return coverage.read(async (floor) => floor === null);
  }
}

function apisOf({ api }: RunFilter): readonly StripeApi[] {
  return (['V1', 'V2'] as const).filter((one) => api === undefined || api === one);
}

/** A list has no object that could be missing: a 404 is not what the API promises. */
function listFailure(error: UpstreamError): GatewayError {
  const { code, message, extensions } = toGatewayError(error);
  return new GatewayError(code === 'NOT_FOUND' ? 'UPSTREAM_CONTRACT' : code, message, extensions);
}

function noAnswer(): GatewayError {
  return new GatewayError(
    'UPSTREAM_UNAVAILABLE',
    `Stripe gave no answer within ${READ_WAIT_MS} ms, and nothing of its list is known yet.`,
  );
}

function historyIncomplete(): GatewayError {
  return new GatewayError(
    'HISTORY_INCOMPLETE',
    'The history of runs has not been read to its end yet. Try again in a moment, or page forward from the newest run.',
  );
}
