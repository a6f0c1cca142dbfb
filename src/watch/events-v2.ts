import type { Logger } from 'pino';
import type { Priority } from '../datasources/admission.js';
import type { StripeV2 } from '../datasources/stripe-v2.js';
import type { RunEvent } from '../datasources/stripe-v2-events.js';
import type { FeedMarks } from '../ledger/feeds.js';
import type { Ledger } from '../ledger/ledger.js';
import type { FeedSchedule } from '../ledger/schedule.js';
import type { RunNote } from '../ledger/runs.js';
import type { Clock } from './clock.js';
import type { SpareTime } from './spare-time.js';

/** How long Stripe keeps events (Stripe docs, events), ms. */
const RETENTION_MS = 30 * 86_400_000;
/** v2's lists are eventually consistent (Stripe docs, API v2 overview): a deep read starts this long before the last deep one, ms. */
const OVERLAP_MS = 600_000;
/** So often, ms, a read is a deep one: in between a tick costs one page, however much happens in ten minutes. */
const DEEP_MS = 60_000;
/** The reads in between start this long before the last one, ms. What comes later still is in the next deep one. */
const LIGHT_OVERLAP_MS = 10_000;
/** Once in so long a time, ms, all that are kept are looked through. */
const SWEEP_MS = 86_400_000;
/** So long, ms, it is left to a time when nobody waits. */
const SWEEP_LATEST_MS = 2 * SWEEP_MS;
/** How many pages are read before the runs get their turn. */
const PAGES_PER_TURN = 5;
/** A read that was broken off so long ago, ms, is begun anew: what came since is on pages it has passed. */
const STALE_MS = 300_000;

/** A read through the events, newest first, that may take more than one turn. */
interface Pass {
  readonly began: number;
  readonly createdFrom: number;
  readonly isSweep: boolean;
  /** Whether it shows what earlier reads may have come too early for. */
  readonly isDeep: boolean;
  readonly page: string | null;
}

export interface EventsV2Options {
  readonly v2: StripeV2;
  readonly ledger: Ledger;
  readonly clock: Clock;
  readonly spare: SpareTime;
  readonly log: Logger;
}

/** Learns from events which v2 runs exist and which have ended. The cursor moves only when a pass has read all its pages. */
export class EventsV2 {
  readonly #options: EventsV2Options;
  #pass: Pass | null = null;
  #isPutOff = false;
  /** When the last read here began that came to its end, and when the last deep one did; unix ms. */
  #last = { any: 0, deep: 0 };

  constructor(options: EventsV2Options) {
    this.#options = options;
  }

  /** Whether a pass has pages left, or could not be begun. */
  get isUnderWay(): boolean {
    return this.#pass !== null || this.#isPutOff;
  }

  /**
   * Reads on, a few pages at most; gives the runs that events say have ended. After a failure the next turn goes on where this
   * one stopped. Throws UpstreamError, and LeaseLost.
   */
  async read({ attempt }: FeedSchedule, priority: Priority): Promise<ReadonlySet<string>> {
    const { v2, ledger, clock, spare } = this.#options;
    const ended = new Set<string>();
    let pass =
      this.#pass !== null && clock.now() - this.#pass.began < STALE_MS
        ? this.#pass
        : await this.#begin(attempt, priority);
    for (let read = 0; read < PAGES_PER_TURN; read += 1) {
      const request = pass;
      const answer = await spare.run(priority, () => v2.as(priority).listEvents(request));
      this.#isPutOff = answer === null;
      if (answer === null) return ended;
      const { events, nextPage } = answer;
      for (const event of events) if (isEnd(event)) ended.add(event.runId);
      const notes = events.map((event) => noteOf(event));
      if (nextPage === null) {
        const { began, isSweep, isDeep } = pass;
        // Another instance may have begun a later pass and ended it since.
        const move = ({ eventCursor, refreshed, swept }: FeedMarks): Partial<FeedMarks> => ({
          eventCursor: isDeep ? Math.max(began, eventCursor ?? 0) : eventCursor,
          refreshed: Math.max(began, refreshed ?? 0),
          complete: true,
          swept: isSweep ? began : swept,
        });
        await ledger.feeds.advance('V2', move, { notes, attempt });
        this.#pass = null;
        this.#last = { any: began, deep: isDeep ? began : this.#last.deep };
        return ended;
      }
      await ledger.feeds.advance('V2', {}, { notes, attempt });
      pass = { ...pass, page: nextPage };
      this.#pass = pass;
    }
    return ended;
  }

  async #begin(attempt: number, priority: Priority): Promise<Pass> {
    const marks = await this.#options.ledger.feeds.get('V2');
    const { eventCursor, swept } = marks;
    const began = this.#options.clock.now();
    const oldest = began - RETENTION_MS;
    if (eventCursor !== null && eventCursor < oldest)
      await this.#lose(marks, { from: eventCursor, until: oldest }, attempt);
    const isSweep = began - (swept ?? 0) > (priority === 'rest' ? SWEEP_MS : SWEEP_LATEST_MS);
    if (isSweep) return { began, createdFrom: oldest, isSweep, isDeep: true, page: null };
    const isDeep = began - this.#last.deep >= DEEP_MS;
    const from = isDeep ? (eventCursor ?? oldest) - OVERLAP_MS : this.#last.any - LIGHT_OVERLAP_MS;
    return { began, createdFrom: Math.max(oldest, from), isSweep, isDeep, page: null };
  }

  /** Events that are dropped for good before they were read: v2 has no list in which the runs they told of could be found. */
  async #lose(marks: FeedMarks, lost: { from: number; until: number }, attempt: number): Promise<void> {
    if (marks.lost?.from === lost.from) return;
    const { ledger, log } = this.#options;
    const losses = marks.losses + 1;
    await ledger.feeds.advance('V2', { lost, losses }, { attempt });
    const [from, until] = [lost.from, lost.until].map((time) => new Date(time).toISOString());
    log.error(
      { from, until, losses },
      'the gateway was off for longer than Stripe keeps events: v2 runs that others created in this time may be missing for good',
    );
  }
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
    upstreamKey: isCreated ? event.idempotencyKey : null,
  };
}
