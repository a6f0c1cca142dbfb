import type { Priority } from '../datasources/admission.js';
import type { StripeV1 } from '../datasources/stripe-v1.js';
import type { Ledger } from '../ledger/ledger.js';
import type { FeedSchedule } from '../ledger/schedule.js';
import { UpstreamError } from '../models/errors.js';
import type { StripeApi } from '../models/report-run.js';
import type { Clock } from './clock.js';
import type { Sightings } from './sightings.js';
import type { SpareTime } from './spare-time.js';

/** How long, ms, an id that could not be read is left alone. */
const RETRY_MS = 60_000;
/** How many ids that are known but not yet read are retrieved in one tick, and how many of those that an event has just told of. */
const UNREAD_PER_TICK = 8;
const SECOND = 1_000;
const ODD: ReadonlySet<string> = new Set(['not_found', 'invalid', 'contract']);

export interface UnreadOptions {
  readonly api: StripeApi;
  readonly source: { as(priority: Priority): Pick<StripeV1, 'retrieveRun'> };
  readonly ledger: Ledger;
  readonly sightings: Sightings;
  readonly clock: Clock;
  readonly spare: SpareTime;
}

/** The runs of one API that are known by their id only, or that were odd when they were read. */
export class Unread {
  readonly #options: UnreadOptions;

  constructor(options: UnreadOptions) {
    this.#options = options;
  }

  /** Whether there are runs that are known by their id only, but for those that could not be read just now. */
  async has(): Promise<boolean> {
    const { api, ledger, clock } = this.#options;
    const since = await ledger.runs.unreadSince(api);
    return since !== null && since <= clock.now() - RETRY_MS;
  }

  /** Ms until there is something to do; null where nothing is left. */
  async pause(): Promise<number | null> {
    const { api, ledger, clock, spare } = this.#options;
    const since = await ledger.runs.unreadSince(api);
    return since === null ? null : Math.max(SECOND, spare.pause, since + RETRY_MS - clock.now());
  }

  /**
   * Reads some, a few at each tick so that they do not hold up the others: those asked for, then those that were odd when an event says
   * that they have `ended` since, then the newest. What the budget has no calls for is left for a later tick. Gives how many.
   */
  async read(claim: FeedSchedule, ended: Iterable<string>): Promise<number> {
    const { api, ledger, clock, spare } = this.#options;
    const before = clock.now() - RETRY_MS;
    const asked = (await ledger.runs.unreadAsked(api, claim.served, claim.claimed)).slice(0, UNREAD_PER_TICK);
    const known = await ledger.runs.get([...ended]);
    const odd = [...known.values()].filter(({ status, seen }) => status === null && (seen ?? 0) <= before);
    const next = await ledger.runs.unread(api, UNREAD_PER_TICK, before);
    const others = [...odd.map(({ id }) => id), ...next].slice(0, UNREAD_PER_TICK);
    const isAwaited = new Set(asked);
    const left = [...new Set(others)].filter((id) => !isAwaited.has(id));
    const first = await this.#retrieveAll(asked, 'watched').catch(putOff);
    // A list that asks for new runs wants these too.
    const priority = claim.askedNews > claim.served ? 'watched' : 'rest';
    const then = await spare.run(priority, () => this.#retrieveAll(left, priority)).catch(putOff);
    return first + (then ?? 0);
  }

  /** Waits for all of them, also where one fails: none may still be under way when the tick has ended. Gives how many. */
  async #retrieveAll(ids: readonly string[], priority: Priority): Promise<number> {
    const ends = await Promise.allSettled(ids.map((id) => this.retrieve(id, priority)));
    const failures = ends.flatMap((end) => (end.status === 'rejected' ? [end.reason as unknown] : []));
    if (failures.length > 0) throw failures.find((failure) => !isRateLimited(failure)) ?? failures[0];
    return ends.length;
  }

  /** Reads a run. An odd or missing one is left alone for a while; only a failure that all would meet is thrown. */
  async retrieve(id: string, priority: Priority): Promise<void> {
    const { source, ledger, sightings, clock } = this.#options;
    const askedAt = clock.now();
    try {
      const items = [await source.as(priority).retrieveRun(id)];
      sightings.saw({ items, requestId: null }, await ledger.runs.observe(items, { askedAt }));
    } catch (error) {
      // What Stripe says of one run says nothing about the others.
      const isOdd = error instanceof UpstreamError && ODD.has(error.kind);
      if (!isOdd) throw error;
      if (error.kind !== 'not_found') return ledger.runs.looked(id, askedAt);
      if (!(await ledger.runs.forget(id))) await ledger.runs.missing(id, askedAt);
    }
  }
}

/** None was read, which is no failure of the tick: they stay unread, and are due again. */
function putOff(error: unknown): number {
  if (isRateLimited(error)) return 0;
  throw error;
}

function isRateLimited(error: unknown): boolean {
  return error instanceof UpstreamError && error.kind === 'rate_limited';
}
