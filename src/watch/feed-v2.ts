import type { StripeV2 } from '../datasources/stripe-v2.js';
import type { FollowedRun } from '../ledger/followed-runs.js';
import type { Ledger } from '../ledger/ledger.js';
import { type FeedSchedule, LeaseLost } from '../ledger/schedule.js';
import { UpstreamError } from '../models/errors.js';
import { EventsV2 } from './events-v2.js';
import type { FeedTick } from './feed.js';
import { isAsked, isEnding, priorityOf, type RunningRuns } from './running-runs.js';
import type { Sightings } from './sightings.js';
import type { SpareTime } from './spare-time.js';
import { Unread } from './unread.js';
import type { Clock } from './clock.js';

/** Events are looked through at least so often, ms, even when nothing runs. */
const IDLE_MS = 3_600_000;
const SECOND = 1_000;

export interface FeedV2Options {
  readonly v2: StripeV2;
  readonly ledger: Ledger;
  readonly sightings: Sightings;
  readonly running: RunningRuns;
  readonly spare: SpareTime;
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

  constructor(options: FeedV2Options) {
    this.#options = options;
    this.#events = new EventsV2(options);
    this.#unread = new Unread({ ...options, api: 'V2', source: options.v2 });
  }

  async tick(claim: FeedSchedule): Promise<void> {
    // First what was asked for: whoever waits for it need not wait for the events, too.
    const asked = await this.#readRunning(claim);
    const urgency = await this.#options.running.urgency('V2', claim);
    const events = await this.#events.read(claim, urgency).then(
      (ended) => ({ ended, failure: null }),
      (failure: unknown) => ({ ended: new Set<string>(), failure }),
    );
    if (events.failure instanceof LeaseLost) throw events.failure;
    // The runs themselves may well be readable: an event that cannot be read must not keep a watcher waiting.
    const others = (await this.#unread.read(claim, events.ended)) + (await this.#readRunning(claim));
    if (events.failure !== null && !(isRefusal(events.failure) && asked + others > 0)) throw events.failure;
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

  /** Reads the runs that have ended by an event or were asked for, and at most once a second one of the rest in turn. */
  async #readRunning(claim: FeedSchedule): Promise<number> {
    const { running, spare, clock } = this.#options;
    const due = await running.due('V2', claim);
    const isUrgent = (run: FollowedRun): boolean => isAsked(run, claim) || isEnding(run, clock.now());
    const runs = due.filter(isUrgent);
    if (clock.now() - this.#turnAt >= SECOND) {
      const [next] = due.filter((run) => !isUrgent(run)).sort((a, b) => a.seen - b.seen);
      if (next !== undefined) {
        this.#turnAt = clock.now();
        runs.push(next);
      }
    }
    for (const run of runs) {
      const priority = priorityOf(run, claim, clock.now());
      await spare.run(priority, () => this.#unread.retrieve(run.id, priority));
    }
    return runs.length;
  }
}

/** Whether Stripe does not let this key see events at all, rather than failing to answer. */
function isRefusal(error: unknown): boolean {
  return error instanceof UpstreamError && ['forbidden', 'not_found', 'invalid'].includes(error.kind);
}
