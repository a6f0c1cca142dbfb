import type { Logger } from 'pino';
import type { StripeV2 } from '../datasources/stripe-v2.js';
import type { FollowedRun } from '../ledger/followed-runs.js';
import type { Ledger } from '../ledger/ledger.js';
import { type FeedSchedule, LeaseLost } from '../ledger/schedule.js';
import { UpstreamError } from '../models/errors.js';
import { EventsV2 } from './events-v2.js';
import type { FeedTick } from './feed.js';
import { REFUSED_MS } from './pace.js';
import { isAsked, isEnding, priorityOf, type RunningRuns } from './running-runs.js';
import type { Sightings } from './sightings.js';
import type { SpareTime } from './spare-time.js';
import { Unread } from './unread.js';
import type { Clock } from './clock.js';

/** Events are looked through at least so often, ms, even when nothing runs. */
const IDLE_MS = 3_600_000;
/** How many runs that have ended by an event are read in one tick. */
const ENDED_PER_TICK = 10;
/** How many running runs are read in one tick where the key may not see events. */
const IN_TURN_WITHOUT_EVENTS = 4;
const SECOND = 1_000;
const NONE: ReadonlySet<string> = new Set();

export interface FeedV2Options {
  readonly v2: StripeV2;
  readonly ledger: Ledger;
  readonly sightings: Sightings;
  readonly running: RunningRuns;
  readonly spare: SpareTime;
  readonly log: Logger;
  readonly clock: Clock;
}

/**
 * v2 has no list. What exists is learned from our own creates and from events; an event only says that a run is worth reading,
 * what it says of the run is read from the run.
 */
export class FeedV2 implements FeedTick {
  readonly #options: FeedV2Options;
  readonly #events: EventsV2;
  readonly #unread: Unread;
  /** When runs were last retrieved in turn, in case their event never comes. */
  #turnAt = 0;
  /** That Stripe does not let this key see events, and until when (unix ms) it is not asked again. */
  #refusal: { readonly error: unknown; readonly until: number } | null = null;

  constructor(options: FeedV2Options) {
    this.#options = options;
    this.#events = new EventsV2(options);
    this.#unread = new Unread({ ...options, api: 'V2', source: options.v2 });
  }

  async tick(claim: FeedSchedule): Promise<void> {
    // First what was asked for: whoever waits for it need not wait for the events, too.
    const due = await this.#options.running.due('V2', claim);
    const asked = due.filter((run) => isAsked(run, claim));
    await this.#retrieve(asked, claim);
    const events = await this.#readEvents(claim);
    // The runs themselves may well be readable: an event that cannot be read must not keep a watcher waiting.
    const others = (await this.#unread.read(claim, events.ended)) + (await this.#readOthers(claim));
    if (events.failure !== null && !(isRefusal(events.failure) && asked.length + others > 0))
      throw events.failure;
  }

  async pause(): Promise<number | null> {
    const { running, spare } = this.#options;
    const pauses = [await running.pause('V2'), await this.#unread.pause()];
    if (this.#events.isUnderWay) pauses.push(Math.max(SECOND, spare.pause));
    return Math.min(IDLE_MS, ...pauses.map((pause) => pause ?? IDLE_MS));
  }

  /** Whether there are runs that are known by their id only, but for those that cannot be read. */
  hasUnread(): Promise<boolean> {
    return this.#unread.has();
  }

  /** Where the key may not see events that is not asked again for a while. Throws LeaseLost. */
  async #readEvents(claim: FeedSchedule): Promise<{ ended: ReadonlySet<string>; failure: unknown }> {
    const { running, clock } = this.#options;
    if (this.#refusal !== null && clock.now() < this.#refusal.until)
      return { ended: NONE, failure: this.#refusal.error };
    try {
      const ended = await this.#events.read(claim, await running.urgency('V2', claim));
      this.#refusal = null;
      return { ended, failure: null };
    } catch (error) {
      if (error instanceof LeaseLost) throw error;
      this.#refusal = isRefusal(error) ? { error, until: clock.now() + REFUSED_MS } : null;
      return { ended: NONE, failure: error };
    }
  }

  /** Reads some of the runs that have ended by an event, and at most once a second one of the rest in turn. Gives how many. */
  async #readOthers(claim: FeedSchedule): Promise<number> {
    const { running, clock } = this.#options;
    const now = clock.now();
    const due = await running.due('V2', claim);
    const runs = due.filter((run) => isEnding(run, now)).slice(0, ENDED_PER_TICK);
    if (now - this.#turnAt >= SECOND) {
      const rest = due.filter((run) => !isEnding(run, now)).sort((a, b) => a.seen - b.seen);
      // Without events there is no other way to see an end.
      const inTurn = rest.slice(0, this.#refusal === null ? 1 : IN_TURN_WITHOUT_EVENTS);
      if (inTurn.length > 0) this.#turnAt = now;
      runs.push(...inTurn);
    }
    await this.#retrieve(runs, claim);
    return runs.length;
  }

  async #retrieve(runs: readonly FollowedRun[], claim: FeedSchedule): Promise<void> {
    const { spare, clock } = this.#options;
    for (const run of runs) {
      const priority = priorityOf(run, claim, clock.now());
      await spare.run(priority, () => this.#unread.retrieve(run.id, priority));
    }
  }
}

/** Whether Stripe does not let this key see events at all, rather than failing to answer. */
function isRefusal(error: unknown): boolean {
  return error instanceof UpstreamError && ['forbidden', 'not_found', 'invalid'].includes(error.kind);
}
