import type { Priority } from '../datasources/admission.js';
import type { StripeV1 } from '../datasources/stripe-v1.js';
import type { Ledger } from '../ledger/ledger.js';
import type { FollowedRun } from '../ledger/followed-runs.js';
import type { FeedSchedule } from '../ledger/schedule.js';
import { UpstreamError } from '../models/errors.js';
import type { Backfill } from './backfill.js';
import type { FeedTick } from './feed.js';
import { PRIORITIES } from './rate-limits.js';
import { priorityOf, type RunningRuns } from './running-runs.js';
import type { Sightings } from './sightings.js';
import type { SpareTime } from './spare-time.js';
import type { StretchV1 } from './stretch-v1.js';
import { Unread } from './unread.js';
import type { Clock } from './clock.js';

/** The most a list page can hold (Stripe docs, pagination). */
const PAGE = 100;
/** How many places of the list one tick looks at. */
const ASKS_PER_TICK = 10;

export interface FeedV1Options {
  readonly v1: StripeV1;
  readonly ledger: Ledger;
  readonly stretch: StretchV1;
  readonly backfill: Backfill;
  readonly sightings: Sightings;
  readonly running: RunningRuns;
  readonly spare: SpareTime;
  readonly clock: Clock;
}

/** v1 is followed by its list: one page shows the state of 100 neighbours. */
export class FeedV1 implements FeedTick {
  readonly #options: FeedV1Options;
  readonly #unread: Unread;

  constructor(options: FeedV1Options) {
    this.#options = options;
    this.#unread = new Unread({ ...options, api: 'V1', source: options.v1 });
  }

  async tick(claim: FeedSchedule): Promise<void> {
    const { stretch, running, backfill, clock } = this.#options;
    if (claim.askedNews > claim.served) await stretch.refresh(claim.attempt);
    await this.#unread.read(claim, []);
    const due = await running.due('V1', claim);
    // Those whom somebody waits for first, then those that have waited longest.
    const now = clock.now();
    const rank = (run: FollowedRun): number => PRIORITIES.indexOf(priorityOf(run, claim, now));
    const inTurn = [...due].sort((a, b) => rank(a) - rank(b) || a.seen - b.seen);
    await this.#cover(inTurn, claim);
    if (claim.claimed === claim.served) await backfill.step();
  }

  async pause(): Promise<number | null> {
    const { running, backfill } = this.#options;
    const pauses = [await running.pause('V1'), await this.#unread.pause(), await backfill.pause()];
    const due = pauses.filter((pause) => pause !== null);
    return due.length === 0 ? null : Math.min(...due);
  }

  /**
   * Refreshes running runs with as few pages as their places allow: a page starts right above the first of those left,
   * and shows its neighbours too. A single run left over is asked for by its id. What does not fit into this tick is due in the next.
   */
  async #cover(runs: readonly FollowedRun[], claim: FeedSchedule): Promise<void> {
    const { ledger, clock, spare } = this.#options;
    const began = clock.now();
    let left = runs;
    const unseen = async (some: readonly FollowedRun[]): Promise<readonly FollowedRun[]> => {
      const rows = await ledger.runs.get(some.map(({ id }) => id));
      return some.filter(({ id }) => {
        const row = rows.get(id);
        return row?.status === 'RUNNING' && (row.seen ?? 0) < began;
      });
    };
    for (let asked = 0; asked < ASKS_PER_TICK; asked += 1) {
      const [first, ...others] = left;
      if (first === undefined) return;
      const priority = priorityOf(first, claim, began);
      const looked = await spare.run(priority, async () => {
        if (others.length > 0) await this.#listFrom(first, priority);
        for (const { id } of await unseen([first])) await this.#unread.retrieve(id, priority);
        return true;
      });
      if (looked === null) return;
      left = await unseen(others);
    }
  }

  /** One page of the list with a run and its neighbours. The run may be missing from it: then it is asked for by its id. */
  async #listFrom({ createdAt }: FollowedRun, priority: Priority): Promise<void> {
    const { v1, ledger, sightings, clock } = this.#options;
    const newer = await ledger.runs.count({ api: 'V1', createdFrom: createdAt + 1 }, PAGE);
    const above = newer < PAGE / 2 ? null : await ledger.runs.neighbourAbove('V1', createdAt);
    const askedAt = clock.now();
    try {
      const page = await v1.as(priority).listRuns(above === null ? {} : { startingAfter: above });
      sightings.saw(page, await ledger.runs.observe(page.items, { askedAt }));
    } catch (error) {
      // Stripe no longer has the run that the page should start from.
      const isNoStart = error instanceof UpstreamError && ['not_found', 'invalid'].includes(error.kind);
      if (!isNoStart || above === null) throw error;
    }
  }
}
