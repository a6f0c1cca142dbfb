import type { StripeV1 } from '../datasources/stripe-v1.js';
import type { Ledger } from '../ledger/ledger.js';
import { UpstreamError } from '../models/errors.js';
import type { FeedTick, Wanted } from './feed.js';
import type { RunningRuns } from './running-runs.js';
import type { Sightings } from './sightings.js';
import type { StretchV1 } from './stretch-v1.js';
import type { UpstreamStates } from './upstream-states.js';

/** The most a list page can hold (Stripe docs, pagination). */
const PAGE = 100;

export interface FeedV1Options {
  readonly v1: StripeV1;
  readonly ledger: Ledger;
  readonly stretch: StretchV1;
  readonly sightings: Sightings;
  readonly running: RunningRuns;
  readonly states: UpstreamStates;
  readonly now: () => number;
}

/** v1 is followed by its list: one page shows the state of 100 neighbours. */
export class FeedV1 implements FeedTick {
  readonly #options: FeedV1Options;

  constructor(options: FeedV1Options) {
    this.#options = options;
  }

  async tick(wanted: Wanted): Promise<void> {
    const { stretch, running, sightings, states, now } = this.#options;
    const began = now();
    try {
      if (wanted.news) {
        await stretch.refresh();
        states.answered('V1', began);
      }
      const due = await running.due('V1', wanted.ids);
      const unseen = due.filter(({ id }) => sightings.lastSeen(id) < began);
      await this.#cover(unseen);
      if (unseen.length > 0) states.answered('V1', null);
    } catch (error) {
      states.failed('V1', error);
      throw error;
    }
  }

  pause(): Promise<number | null> {
    return this.#options.running.pause('V1');
  }

  /**
   * Refreshes running runs with as few pages as their places allow: a page starts right above the newest run that is still to
   * be seen, jumping over what lies between. A single run left over is asked for by its id.
   */
  async #cover(runs: readonly { id: string; createdAt: number }[]): Promise<void> {
    const { v1, ledger, sightings, now } = this.#options;
    const began = now();
    let left = runs;
    while (left.length > 1) {
      const [first] = left;
      if (first === undefined) break;
      const isNearTop =
        (await ledger.runs.count({ api: 'V1', createdFrom: first.createdAt + 1 }, PAGE)) < PAGE / 2;
      const above = isNearTop ? null : await ledger.runs.neighbourAbove('V1', first.createdAt);
      const askedAt = now();
      const page = await v1.listRuns(above === null ? {} : { startingAfter: above });
      sightings.saw({ ...page, askedAt }, await ledger.runs.observe(page.items));
      const still = new Set(
        (await ledger.runs.running('V1', { ids: left.map(({ id }) => id) })).map(({ id }) => id),
      );
      const unseen = left.filter(({ id }) => still.has(id) && sightings.lastSeen(id) < began);
      if (unseen.some(({ id }) => id === first.id)) await this.#retrieve(first.id);
      left = unseen.filter(({ id }) => id !== first.id);
    }
    for (const { id } of left) await this.#retrieve(id);
  }

  async #retrieve(id: string): Promise<void> {
    const { v1, ledger, sightings, now } = this.#options;
    const askedAt = now();
    try {
      const items = [await v1.retrieveRun(id)];
      sightings.saw({ items, askedAt, requestId: null }, await ledger.runs.observe(items));
    } catch (error) {
      if (!(error instanceof UpstreamError) || error.kind !== 'not_found') throw error;
      sightings.looked(id, askedAt);
      this.#options.running.missing(id);
    }
  }
}
