import type { StripeV1 } from '../datasources/stripe-v1.js';
import type { Ledger } from '../ledger/ledger.js';
import { UpstreamError } from '../models/errors.js';
import type { StripeApi } from '../models/report-run.js';
import type { Clock } from './clock.js';
import type { RunningRuns } from './running-runs.js';
import type { Sightings } from './sightings.js';

/** How long, ms, an id that could not be read is left alone. */
const RETRY_MS = 60_000;
/** How many ids that are known but not yet read are retrieved in one tick. */
const UNREAD_PER_TICK = 8;
const SECOND = 1_000;

export interface UnreadOptions {
  readonly api: StripeApi;
  readonly source: Pick<StripeV1, 'retrieveRun'>;
  readonly ledger: Ledger;
  readonly sightings: Sightings;
  readonly running: RunningRuns;
  readonly clock: Clock;
}

/** The runs of one API that are known by their id only, or that were odd when they were read. */
export class Unread {
  readonly #options: UnreadOptions;
  /** Ids that could not be read, and until when (unix ms) they are not tried again. */
  readonly #leftAlone = new Map<string, number>();

  constructor(options: UnreadOptions) {
    this.#options = options;
  }

  /** Whether there are runs that are known by their id only, but for those that cannot be read. */
  async has(): Promise<boolean> {
    return (await this.#next(1)).length > 0;
  }

  /** Ms until there is something to do; null where nothing is left. */
  async pause(): Promise<number | null> {
    if (await this.has()) return SECOND;
    const { clock } = this.#options;
    const retries = [...this.#leftAlone.values()].map((until) => Math.max(SECOND, until - clock.now()));
    return retries.length === 0 ? null : Math.min(...retries);
  }

  /**
   * Reads some, a few at each tick so that they do not hold up the others: those asked for, then those that were odd when an event says
   * that they have `ended` since, then the newest. Gives how many.
   */
  async read(asked: Iterable<string>, ended: Iterable<string>): Promise<number> {
    const { ledger, clock } = this.#options;
    for (const [id, until] of this.#leftAlone) if (until <= clock.now()) this.#leftAlone.delete(id);
    const named = [...asked, ...[...ended].filter((id) => !this.#leftAlone.has(id))];
    const known = await ledger.runs.get(named);
    const unread = named.filter((id) => known.get(id)?.status === null);
    const ids = [...new Set([...unread, ...(await this.#next(UNREAD_PER_TICK))])].slice(0, UNREAD_PER_TICK);
    await Promise.all(ids.map((id) => this.retrieve(id)));
    return ids.length;
  }

  /** Reads a run. An odd or missing one is left alone for a while; only a failure that all would meet is thrown. */
  async retrieve(id: string): Promise<void> {
    const { source, ledger, sightings, running, clock } = this.#options;
    const askedAt = clock.now();
    try {
      const item = await source.retrieveRun(id);
      sightings.saw({ items: [item], askedAt, requestId: null }, await ledger.runs.observe([item]));
      running.found(id);
      if ('unreadable' in item) this.#leftAlone.set(id, clock.now() + RETRY_MS);
    } catch (error) {
      const isOdd =
        error instanceof UpstreamError && (error.kind === 'not_found' || error.kind === 'contract');
      if (!isOdd) throw error;
      sightings.looked(id, askedAt);
      this.#leftAlone.set(id, clock.now() + RETRY_MS);
      if (error.kind === 'not_found' && !(await ledger.runs.forget(id))) running.missing(id);
    }
  }

  async #next(limit: number): Promise<readonly string[]> {
    const { api, ledger } = this.#options;
    const unread = await ledger.runs.unread(api, limit + this.#leftAlone.size);
    return unread.filter((id) => !this.#leftAlone.has(id)).slice(0, limit);
  }
}
