import type { StripeV2 } from '../datasources/stripe-v2.js';
import type { RunEvent } from '../datasources/stripe-v2-events.js';
import type { Ledger } from '../ledger/ledger.js';
import type { RunNote } from '../ledger/runs.js';
import { UpstreamError } from '../models/errors.js';
import type { FeedTick, Wanted } from './feed.js';
import type { RunningRuns } from './running-runs.js';
import type { Sightings } from './sightings.js';
import type { UpstreamStates } from './upstream-states.js';

/** How long Stripe keeps events (Stripe docs, events), ms. */
const RETENTION_MS = 30 * 86_400_000;
/** v2's lists are eventually consistent (Stripe docs, API v2 overview): each read starts this long before the last one, ms. */
const OVERLAP_MS = 600_000;
/** Events are looked through at least so often, ms, even when nothing runs. */
const IDLE_MS = 3_600_000;
/** And once in so long a time, ms, all that are kept. */
const SWEEP_MS = 86_400_000;
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
  readonly now: () => number;
}

/**
 * v2 has no list. What exists is learned from our own creates and from events; an event only says that a run is worth reading,
 * what it says of the run is read from the run.
 */
export class FeedV2 implements FeedTick {
  readonly #options: FeedV2Options;
  /** When runs were last retrieved in turn, in case their event never comes. */
  #turnAt = 0;
  /** Ids that could not be read, and until when (unix ms) they are not tried again. */
  readonly #leftAlone = new Map<string, number>();

  constructor(options: FeedV2Options) {
    this.#options = options;
  }

  async tick(wanted: Wanted): Promise<void> {
    const { states, now } = this.#options;
    const began = now();
    try {
      const events = await this.#readEvents(began).then(
        (ended) => ({ ended, failure: null }),
        (failure: unknown) => ({ ended: new Map<string, number>(), failure }),
      );
      // The runs themselves may well be readable: an event that cannot be read must not keep a watcher waiting.
      const read = (await this.#readUnread()) + (await this.#readRunning(wanted, events.ended, began));
      if (events.failure !== null && !(isRefusal(events.failure) && read > 0)) throw events.failure;
      states.answered('V2', events.failure === null ? began : null);
    } catch (error) {
      states.failed('V2', error);
      throw error;
    }
  }

  async pause(): Promise<number | null> {
    if (await this.hasUnread()) return SECOND;
    const { running, now } = this.#options;
    const retries = [...this.#leftAlone.values()].map((until) => Math.max(SECOND, until - now()));
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

  /** Notes every run that events name, and gives those that events say have ended, with the time. */
  async #readEvents(began: number): Promise<ReadonlyMap<string, number>> {
    const { v2, ledger } = this.#options;
    const marks = await ledger.feeds.get('V2');
    const oldest = began - RETENTION_MS;
    const isSweep = marks.swept === null || began - marks.swept > SWEEP_MS;
    const createdFrom = isSweep ? oldest : Math.max(oldest, (marks.eventCursor ?? oldest) - OVERLAP_MS);
    const done = {
      eventCursor: began,
      refreshed: began,
      complete: true,
      swept: isSweep ? began : marks.swept,
    };
    const ended = new Map<string, number>();
    let page: string | null = null;
    do {
      const answer = await v2.listEvents({ createdFrom, page });
      for (const event of answer.events) if (isEnd(event)) ended.set(event.runId, event.createdAt);
      page = answer.nextPage;
      const notes = answer.events.map((event) => noteOf(event));
      await ledger.feeds.advance('V2', page === null ? done : {}, { notes });
    } while (page !== null);
    return ended;
  }

  /** Reads runs that are known by their id only, a few at each tick so that they do not hold up the others. Gives how many. */
  async #readUnread(): Promise<number> {
    const { now } = this.#options;
    for (const [id, until] of this.#leftAlone) if (until <= now()) this.#leftAlone.delete(id);
    const ids = await this.#unread(UNREAD_PER_TICK);
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
    const { v2, ledger, sightings, running, now } = this.#options;
    const askedAt = now();
    try {
      const items = [await v2.retrieveRun(id)];
      sightings.saw({ items, askedAt, requestId: null }, await ledger.runs.observe(items));
    } catch (error) {
      const isOdd =
        error instanceof UpstreamError && (error.kind === 'not_found' || error.kind === 'contract');
      if (!isOdd) throw error;
      sightings.looked(id, askedAt);
      this.#leftAlone.set(id, now() + RETRY_MS);
      if (error.kind === 'not_found' && !(await ledger.runs.forget(id))) running.missing(id);
    }
  }
}

/** Whether Stripe does not let this key see events at all, rather than failing to answer. */
function isRefusal(error: unknown): boolean {
  return error instanceof UpstreamError && ['forbidden', 'not_found', 'invalid'].includes(error.kind);
}

function isEnd({ type }: RunEvent): boolean {
  return type === 'v2.reporting.report_run.succeeded' || type === 'v2.reporting.report_run.failed';
}

/** When the run was created orders what is unread: the newest are read first. */
function noteOf(event: RunEvent): RunNote {
  const isCreated = event.type === 'v2.reporting.report_run.created';
  return {
    id: event.runId,
    createdAt: isCreated ? event.createdAt : null,
    endedAt: isEnd(event) ? event.createdAt : null,
  };
}
