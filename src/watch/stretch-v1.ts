import type { Priority } from '../datasources/admission.js';
import type { StripeV1 } from '../datasources/stripe-v1.js';
import type { Asker } from '../ledger/engine.js';
import type { FeedMarks } from '../ledger/feeds.js';
import type { Ledger } from '../ledger/ledger.js';
import type { RunPosition } from '../models/run-page.js';
import type { Clock } from './clock.js';
import { deeper, endOf, floorOf, goalOf, NOWHERE, newestOf, type Page } from './marks-v1.js';
import type { Sightings } from './sightings.js';
import type { UpstreamStates } from './upstream-states.js';

export interface StretchV1Options {
  readonly v1: StripeV1;
  readonly ledger: Ledger;
  readonly sightings: Sightings;
  readonly states: UpstreamStates;
  readonly clock: Clock;
}

/**
 * The part of v1's history that was read without a gap: from `newest` down to `horizon`. Only pages of the list move the marks, in
 * the transaction that writes the page's runs. Its head is read under a claim of the feed alone; its end is moved by whoever finds it
 * where they began to read.
 */
export class StretchV1 {
  readonly #options: StretchV1Options;
  readonly #extending = new Map<Priority, Promise<void>>();

  constructor(options: StretchV1Options) {
    this.#options = options;
  }

  /**
   * Reads the ledger with the floor: all that Stripe's list showed strictly newer than it is in the ledger; null: all there is. Both
   * are of one state of the ledger, so that no run is seen above a gap: ask through `asker`.
   */
  read<T>(work: (floor: RunPosition | null, asker: Asker) => Promise<T>): Promise<T> {
    const { ledger } = this.#options;
    return ledger.snapshot(async (asker) => work(floorOf(await ledger.feeds.get('V1', asker)), asker));
  }

  /** Whether there is a stretch without a gap above it; else its head has to be read before anything below counts. */
  async hasHead(): Promise<boolean> {
    const { gap, horizon, complete } = await this.#options.ledger.feeds.get('V1');
    return gap === null && (complete || horizon !== null);
  }

  /**
   * Reads what is new, under the claim of this number: from the top until a minute below the newest run of the last read; what was
   * in no list then can since have appeared no further down. Not until a known run: our own creates and single look-ups put rows
   * above and below the stretch, so a row says nothing about its neighbours. Throws LeaseLost.
   */
  async refresh(attempt: number): Promise<void> {
    const goal = goalOf(await this.#options.ledger.feeds.get('V1'));
    let end: RunPosition | null = null;
    let newest: number | null = null;
    let refreshed: number | null = null;
    for (;;) {
      const page: Page = await this.#list(end, 'person');
      refreshed ??= page.askedAt;
      newest ??= newestOf(page);
      end = endOf(page, end);
      if (!page.hasMore || (end !== null && end.createdAt < goal)) {
        const top = { newest, refreshed };
        const last = end;
        await this.#advance(page, attempt, (marks) => ({
          refreshed: top.refreshed,
          newest: top.newest ?? marks.newest,
          gap: null,
          ...deeper(marks, last, page),
        }));
        return;
      }
      const gap = end?.createdAt ?? NOWHERE;
      await this.#advance(page, attempt, () => ({ gap }));
    }
  }

  /**
   * Moves the end one page further down, where there is a stretch that does not reach the very first run. Callers at the same time
   * share the page, but no person waits for one that has time.
   */
  extend(priority: Priority = 'person'): Promise<void> {
    const extending = this.#extending.get(priority);
    if (extending !== undefined) return extending;
    const started = this.#readOn(priority).finally(() => this.#extending.delete(priority));
    this.#extending.set(priority, started);
    return started;
  }

  async #readOn(priority: Priority): Promise<void> {
    const { complete, horizon } = await this.#options.ledger.feeds.get('V1');
    if (complete || horizon === null) return;
    const page = await this.#list(horizon, priority);
    const moved = { horizon: endOf(page, horizon), complete: !page.hasMore };
    // Another may have been here and gone further; the runs are kept in any case.
    const isHere = (marks: FeedMarks): boolean => marks.horizon?.id === horizon.id && !marks.complete;
    await this.#advance(page, null, (marks) => (isHere(marks) ? moved : {}));
  }

  async #list(after: RunPosition | null, priority: Priority): Promise<Page> {
    const { v1, states, clock } = this.#options;
    const askedAt = clock.now();
    const page = await v1.as(priority).listRuns(after === null ? {} : { startingAfter: after.id });
    states.answered('V1');
    return { ...page, askedAt };
  }

  async #advance(
    page: Page,
    attempt: number | null,
    move: (marks: FeedMarks) => Partial<FeedMarks>,
  ): Promise<void> {
    const { ledger, sightings } = this.#options;
    const claim = attempt === null ? {} : { attempt };
    sightings.saw(page, await ledger.feeds.advance('V1', move, { ...page, ...claim }));
  }
}
