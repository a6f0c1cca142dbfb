import type { StripeV1 } from '../datasources/stripe-v1.js';
import type { FeedMarks } from '../ledger/feeds.js';
import type { Ledger } from '../ledger/ledger.js';
import type { RunPosition } from '../models/run-page.js';
import { above, deeper, endOf, goalOf, NOWHERE, newestOf, type Page, TOP } from './marks-v1.js';
import { PAGE_GAP_MS } from './pace.js';
import type { Sightings } from './sightings.js';
import type { UpstreamStates } from './upstream-states.js';
import type { Clock } from './clock.js';

export interface StretchV1Options {
  readonly v1: StripeV1;
  readonly ledger: Ledger;
  readonly sightings: Sightings;
  readonly states: UpstreamStates;
  readonly clock: Clock;
}

/**
 * The part of v1's history that was read without a gap: from `newest` down to `horizon`. Only pages of the list move the marks, in
 * the transaction that writes the page's runs, and one piece of work at a time, so that each works from the marks the last one left.
 */
export class StretchV1 {
  readonly #options: StretchV1Options;
  /** Settles, and never rejects, when all work asked for so far is done. */
  #turn: Promise<unknown> = Promise.resolve();
  #extending: Promise<void> | null = null;
  /** How far down a read of the head got that did not reach the stretch: between the two, runs may be missing. */
  #gap: RunPosition | null = null;
  #isGapKnown = false;
  #gapsOpened = 0;
  #nextPageAt = 0;

  constructor(options: StretchV1Options) {
    this.#options = options;
  }

  /**
   * Reads the ledger with the floor: all that Stripe's list showed strictly newer than it is in the ledger; null: all there is. The
   * floor only sinks, but where many runs are new: then the work is done again, so that it sees no runs above a gap.
   */
  async read<T>(work: (floor: RunPosition | null) => Promise<T>): Promise<T> {
    for (;;) {
      const gapsOpened = this.#gapsOpened;
      const result = await work(await this.#floor());
      if (gapsOpened === this.#gapsOpened) return result;
    }
  }

  /** Reads what is new. */
  refresh(): Promise<void> {
    return this.#alone(() => this.#readHead());
  }

  /** Moves the floor one page further down. Callers at the same time share the page. */
  extend(): Promise<void> {
    this.#extending ??= this.#alone(() => this.#readOn()).finally(() => {
      this.#extending = null;
    });
    return this.#extending;
  }

  /** Resolves when nothing is under way. */
  async close(): Promise<void> {
    await this.#turn;
  }

  async #floor(): Promise<RunPosition | null> {
    const { complete, horizon } = await this.#marks();
    if (this.#gap !== null) return this.#gap;
    if (complete) return null;
    return horizon === null ? TOP : above(horizon.createdAt);
  }

  /** The marks. The first time, with the gap that an earlier process left when it ended in the middle of a read. */
  async #marks(): Promise<FeedMarks> {
    const marks = await this.#options.ledger.feeds.get('V1');
    if (!this.#isGapKnown && marks.gap !== null) this.#gap = above(marks.gap);
    this.#isGapKnown = true;
    return marks;
  }

  #alone(work: () => Promise<void>): Promise<void> {
    const mine = this.#turn.then(work);
    this.#turn = mine.catch(() => undefined);
    return mine;
  }

  async #readOn(): Promise<void> {
    const { complete, horizon } = await this.#marks();
    if (this.#gap !== null || (horizon === null && !complete)) return this.#readHead();
    if (complete || horizon === null) return;
    const page = await this.#list(horizon);
    await this.#advance({ horizon: endOf(page, horizon), complete: !page.hasMore }, page);
  }

  /**
   * Reads from the top until a minute below the newest run of the last read: what was in no list then can since have appeared no
   * further down. Not until a known run: our own creates and single look-ups put rows above and below the stretch, so a row says
   * nothing about its neighbours.
   */
  async #readHead(): Promise<void> {
    const marks = await this.#marks();
    const goal = goalOf(marks);
    let end: RunPosition | null = null;
    let newest: number | null = null;
    let refreshed: number | null = null;
    for (;;) {
      const page: Page = await this.#list(end);
      refreshed ??= page.askedAt;
      newest ??= newestOf(page);
      const isFirst = end === null;
      end = endOf(page, end);
      if (!page.hasMore || (end !== null && end.createdAt < goal)) {
        const found = { newest: newest ?? marks.newest, refreshed, gap: null, ...deeper(marks, end, page) };
        await this.#advance(found, page);
        this.#gap = null;
        return;
      }
      if (isFirst) this.#openGap();
      await this.#advance({ gap: end?.createdAt ?? NOWHERE }, page);
      if (end !== null) this.#gap = above(end.createdAt);
    }
  }

  /** Before the first runs above the gap are written, or a reader would take them for neighbours of those below. */
  #openGap(): void {
    this.#gap = TOP;
    this.#gapsOpened += 1;
  }

  async #list(after: RunPosition | null): Promise<Page> {
    const { v1, states, clock } = this.#options;
    if (after !== null) {
      const early = this.#nextPageAt - clock.now();
      if (early > 0) await clock.wait(early);
      this.#nextPageAt = clock.now() + PAGE_GAP_MS;
    }
    const askedAt = clock.now();
    const page = await v1.listRuns(after === null ? {} : { startingAfter: after.id });
    states.answered('V1');
    return { ...page, askedAt };
  }

  async #advance(marks: Partial<FeedMarks>, page: Page): Promise<void> {
    const report = await this.#options.ledger.feeds.advance('V1', marks, page);
    this.#options.sightings.saw(page, report);
  }
}
