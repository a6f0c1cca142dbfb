import type { StripeV2 } from '../datasources/stripe-v2.js';
import type { Ledger } from '../ledger/ledger.js';
import { UpstreamError } from '../models/errors.js';
import { EventsV2 } from './events-v2.js';
import type { FeedTick, Wanted } from './feed.js';
import type { RunningRuns } from './running-runs.js';
import type { Sightings } from './sightings.js';
import type { UpstreamStates } from './upstream-states.js';
import type { Clock } from './clock.js';

/** Events are looked through at least so often, ms, even when nothing runs. */
const IDLE_MS = 3_600_000;
/** How long, ms, an id that could not be read is left alone. */
const RETRY_MS = 60_000;
/** How many ids that are known but not yet read are retrieved in one tick. */
const UNREAD_PER_TICK = 8;
const SECOND = 1_000;

export interface FeedV2Options {
  readonly v2: StripeV2;
  readonly ledger: Ledger;
  readonly sightings: Sightings;
  readonly running: RunningRuns;
  readonly states: UpstreamStates;
  readonly clock: Clock;
}

/**
 * v2 has no list. What exists is learned from our own creates and from events; an event only says that a run is worth reading,
 * what it says of the run is read from the run.
 */
export class FeedV2 implements FeedTick {
  readonly #options: FeedV2Options;
  readonly #events: EventsV2;
  /** When runs were last retrieved in turn, in case their event never comes. */
  #turnAt = 0;
  /** Ids that could not be read, and until when (unix ms) they are not tried again. */
  readonly #leftAlone = new Map<string, number>();

  constructor(options: FeedV2Options) {
    this.#options = options;
    this.#events = new EventsV2(options);
  }

  async tick(wanted: Wanted): Promise<void> {
    const { states, clock } = this.#options;
    const began = clock.now();
    try {
      const events = await this.#events.read().then(
        (turn) => ({ ...turn, failure: null }),
        (failure: unknown) => ({ ended: new Map<string, number>(), isComplete: false, failure }),
      );
      // The runs themselves may well be readable: an event that cannot be read must not keep a watcher waiting.
      const read =
        (await this.#readUnread(events.ended)) + (await this.#readRunning(wanted, events.ended, began));
      if (events.failure !== null && !(isRefusal(events.failure) && read > 0)) throw events.failure;
      states.answered('V2', events.isComplete ? began : null);
    } catch (error) {
      states.failed('V2', error);
      throw error;
    }
  }

  async pause(): Promise<number | null> {
    if (this.#events.isUnderWay || (await this.hasUnread())) return SECOND;
    const { running, clock } = this.#options;
    const retries = [...this.#leftAlone.values()].map((until) => Math.max(SECOND, until - clock.now()));
    return Math.min((await running.pause('V2')) ?? IDLE_MS, IDLE_MS, ...retries);
  }

  /** Whether there are runs that are known by their id only, but for those that cannot be read. */
  async hasUnread(): Promise<boolean> {
    return (await this.#unread(1)).length > 0;
  }

  async #unread(limit: number): Promise<readonly string[]> {
    const unread = await this.#options.ledger.runs.unread('V2', limit + this.#leftAlone.size);
    return unread.filter((id) => !this.#leftAlone.has(id)).slice(0, limit);
  }

  /**
   * Reads runs that are known by their id only, a few at each tick so that they do not hold up the others, and runs that were odd
   * when an event says that they have ended since. Gives how many.
   */
  async #readUnread(ended: ReadonlyMap<string, number>): Promise<number> {
    const { ledger, clock } = this.#options;
    for (const [id, until] of this.#leftAlone) if (until <= clock.now()) this.#leftAlone.delete(id);
    const known = await ledger.runs.get([...ended.keys()].filter((id) => !this.#leftAlone.has(id)));
    const odd = [...known.values()].filter(({ status }) => status === null).map(({ id }) => id);
    const ids = [...new Set([...odd, ...(await this.#unread(UNREAD_PER_TICK))])].slice(0, UNREAD_PER_TICK);
    await Promise.all(ids.map((id) => this.#retrieve(id)));
    return ids.length;
  }

  /** Reads the runs that have ended by an event or were asked for, and at most once a second one of the rest in turn. */
  async #readRunning(wanted: Wanted, ended: ReadonlyMap<string, number>, began: number): Promise<number> {
    const { running, sightings } = this.#options;
    const asked = new Set([...wanted.ids, ...ended.keys()]);
    const due = (await running.due('V2', asked)).filter(({ id }) => sightings.lastSeen(id) < began);
    const ids = due.filter(({ id }) => asked.has(id)).map(({ id }) => id);
    if (began - this.#turnAt >= SECOND) {
      const inTurn = due.filter(({ id }) => !asked.has(id)).map(({ id }) => id);
      const [next] = inTurn.sort((a, b) => sightings.lastSeen(a) - sightings.lastSeen(b));
      if (next !== undefined) {
        this.#turnAt = began;
        ids.push(next);
      }
    }
    for (const id of ids) await this.#retrieve(id);
    return ids.length;
  }

  /** An odd or missing run is left alone for a while; only a failure that all would meet is thrown. */
  async #retrieve(id: string): Promise<void> {
    const { v2, ledger, sightings, running, clock } = this.#options;
    const askedAt = clock.now();
    try {
      const item = await v2.retrieveRun(id);
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
}

/** Whether Stripe does not let this key see events at all, rather than failing to answer. */
function isRefusal(error: unknown): boolean {
  return error instanceof UpstreamError && ['forbidden', 'not_found', 'invalid'].includes(error.kind);
}
