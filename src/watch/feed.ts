import type { Logger } from 'pino';
import { type FeedSchedule, LeaseLost, type Schedule } from '../ledger/schedule.js';
import type { StripeApi } from '../models/report-run.js';
import type { Clock } from './clock.js';
import { type FeedAsk, FeedAsks } from './feed-asks.js';
import { FeedWaiters } from './feed-waiters.js';
import { keepLease, LEASE_MS } from './keep-lease.js';
import { FRESH_MS } from './pace.js';
import { badEnd, goodEnd } from './tick-end.js';
import type { UpstreamStates } from './upstream-states.js';
import { within } from './within.js';

/** How much later, ms, the others try than the last holder, or than who asked: so one goes on as long as it lives. */
const STAGGER_MS = 100;
/** The pause, ms, after the ledger itself could not be asked. */
const LEDGER_PAUSE_MS = 2_000;
/** How long, ms, a tick may still go on when the gateway closes. */
const CLOSE_MS = 1_000;

/** What is done at each tick of one API's feed; what it reads goes to the ledger. */
export interface FeedTick {
  /** Rejects with the upstream's error, or with LeaseLost. */
  tick(claim: FeedSchedule): Promise<void>;
  /** Ms until the next tick is due by itself; null: only when asked. */
  pause(): Promise<number | null>;
}

export interface FeedOptions {
  readonly api: StripeApi;
  readonly work: FeedTick;
  readonly schedule: Schedule;
  readonly states: UpstreamStates;
  readonly log: Logger;
  readonly clock: Clock;
  readonly random: () => number;
}

/**
 * One feed for each API, however many readers, subscribers and instances: its schedule is a row in the database. Whoever claims it
 * ticks, and what is asked meanwhile, wherever, goes into the next tick, so that no ask is lost and none costs a request of its own.
 */
export class Feed {
  readonly #options: FeedOptions;
  readonly #asks: FeedAsks;
  readonly #waiters: FeedWaiters;
  #row: FeedSchedule | null = null;
  /** The last claim made here. */
  #attempt = 0;
  #ticking: Promise<void> | null = null;
  #looking: Promise<void> = Promise.resolve();
  #nextLook: Promise<void> | null = null;
  #isEager = false;
  #cancel: () => void = () => {};
  #closed = false;

  constructor(options: FeedOptions) {
    this.#options = options;
    this.#asks = new FeedAsks(options.schedule, options.api);
    this.#waiters = new FeedWaiters({ clock: options.clock, look: () => this.look() });
  }

  /**
   * Resolves when it is committed that this is wanted: a tick that begins after the call will bring it, in whichever instance and
   * whatever dies.
   */
  async want(wanted: FeedAsk): Promise<void> {
    await this.#asks.note(wanted, null);
    void this.look(true);
  }

  /**
   * Resolves when a read of what is wanted, begun after this call or at most a second before, has ended, well or badly. Within a
   * second of a failure, a minute of a refusal, it resolves at once: readers must not each knock on a closed door.
   */
  async ask(wanted: FeedAsk): Promise<void> {
    if (this.#closed || this.#isQuiet()) return;
    const ask = await this.#asks.note(wanted, FRESH_MS).catch((error: unknown) => {
      // What is known can be read also where nothing can be written.
      this.#options.log.error({ err: error, api: this.#options.api }, 'a feed could not be asked');
      return null;
    });
    const looked = this.look(true);
    await (ask === null ? looked : this.#waiters.wait(ask));
  }

  /** Works out anew when the next tick is due: somebody began to watch, or a run was created. */
  async poke(): Promise<void> {
    const { api, work, schedule, clock, log } = this.#options;
    try {
      const pause = await work.pause();
      if (pause === null) return;
      await schedule.hasten(api, clock.now() + pause);
      await this.look(true);
    } catch (error) {
      if (!this.#closed) log.error({ err: error, api }, 'a feed could not be hastened');
    }
  }

  /** Reads the schedule and does what it says. To be called when something may have changed in it; never rejects. */
  look(isEager = false): Promise<void> {
    this.#isEager ||= isEager;
    this.#nextLook ??= this.#looking.then(() => {
      this.#nextLook = null;
      this.#looking = this.#look().catch((error: unknown) => {
        if (this.#closed) return;
        this.#options.log.error(
          { err: error, api: this.#options.api },
          'the schedule of a feed could not be read',
        );
        this.#lookIn(LEDGER_PAUSE_MS);
      });
      return this.#looking;
    });
    return this.#nextLook;
  }

  /** Gives the feed back. A tick that hangs is left to end by itself, and can move nothing any more. */
  async close(): Promise<void> {
    const { api, schedule, clock } = this.#options;
    this.#closed = true;
    this.#cancel();
    this.#waiters.close();
    await this.#looking;
    if (this.#ticking === null || (await within(clock, CLOSE_MS, this.#ticking))) return;
    await schedule.abandon(api, this.#attempt);
  }

  async #look(): Promise<void> {
    const { api, schedule, states, clock, random } = this.#options;
    const isEager = this.#isEager;
    this.#isEager = false;
    const row = await schedule.get(api);
    this.#row = row;
    states.update(api, row);
    this.#waiters.settle(row, this.#isQuiet());
    if (this.#closed || this.#ticking !== null) return;
    this.#cancel();
    // The end of our last tick could not be noted. The notice of this brings the next look.
    if (row.leaseUntil !== null && row.attempt === this.#attempt) return schedule.abandon(api, row.attempt);
    const due = row.leaseUntil ?? row.due;
    if (due === null) return;
    const isMine = isEager || row.attempt === this.#attempt;
    const wait = due - clock.now() + (isMine ? 0 : STAGGER_MS * (1 + random()));
    if (wait > 0) return this.#lookIn(wait);
    const claim = await schedule.claim(api, LEASE_MS);
    if (claim === null) return this.#lookIn(STAGGER_MS);
    this.#attempt = claim.attempt;
    this.#ticking = this.#tick(claim);
  }

  #lookIn(ms: number): void {
    this.#cancel();
    if (!this.#closed) this.#cancel = this.#options.clock.after(ms, () => void this.look(true));
  }

  /** Never rejects. */
  async #tick(claim: FeedSchedule): Promise<void> {
    const { api, work, schedule, clock, log } = this.#options;
    const stop = keepLease(schedule, clock, api, claim.attempt);
    try {
      const failure = await work.tick(claim).then(
        () => null,
        (error: unknown) => ({ error }),
      );
      stop();
      if (!(failure?.error instanceof LeaseLost)) await this.#finish(claim, failure);
    } catch (error) {
      if (!this.#closed) log.error({ err: error, api }, 'the end of a tick could not be noted');
    } finally {
      stop();
    }
    this.#ticking = null;
    if (!this.#closed) void this.look();
  }

  async #finish(claim: FeedSchedule, failure: { readonly error: unknown } | null): Promise<void> {
    const { api, work, schedule, clock, random } = this.#options;
    const pause = await work.pause();
    const now = clock.now();
    const end = failure === null ? goodEnd(now, pause) : badEnd(claim, failure.error, { now, pause, random });
    if (await schedule.finish(api, claim.attempt, end)) this.#log(claim, failure);
  }

  /** One line for each kind of failure, however long it lasts and whoever has it. */
  #log(claim: FeedSchedule, failure: { readonly error: unknown } | null): void {
    const { api, log } = this.#options;
    if (failure === null) {
      if (claim.failure !== null) log.info({ api }, 'a feed can be refreshed again');
      return;
    }
    const { error } = failure;
    const message = error instanceof Error ? error.message : String(error);
    const level = message === claim.failure?.message ? 'debug' : 'warn';
    log[level](
      { err: error, api, failures: (claim.failure?.times ?? 0) + 1 },
      'a feed could not be refreshed',
    );
  }

  #isQuiet(): boolean {
    return this.#options.clock.now() < (this.#row?.failure?.quietUntil ?? 0);
  }
}
