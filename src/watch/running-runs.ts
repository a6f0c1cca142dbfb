import type { Ledger } from '../ledger/ledger.js';
import type { RunningRun } from '../ledger/runs.js';
import type { StripeApi } from '../models/report-run.js';
import type { Followers } from './followers.js';
import { unwatchedPause, watchedPause } from './pace.js';
import type { Sightings } from './sightings.js';
import type { Clock } from './clock.js';

/**
 * A run counts as gone after so many answers that Stripe does not know it, over so long a time (ms), none of them this much (ms)
 * after the last: looks at a running run are never further apart.
 */
const GONE_AFTER = { times: 3, ms: 300_000, apart: 1_200_000 };

/** Which running runs are due for a look, and how long there is until the next one is. */
export class RunningRuns {
  readonly #ledger: Ledger;
  readonly #followers: Followers;
  readonly #sightings: Sightings;
  readonly #clock: Clock;
  readonly #random: () => number;
  readonly #onGone: (id: string) => void;
  readonly #missing = new Map<string, { first: number; last: number; times: number }>();

  constructor(options: {
    ledger: Ledger;
    followers: Followers;
    sightings: Sightings;
    clock: Clock;
    random: () => number;
    /** Called when a run is given up, because Stripe keeps saying that there is none. */
    onGone: (id: string) => void;
  }) {
    this.#ledger = options.ledger;
    this.#followers = options.followers;
    this.#sightings = options.sightings;
    this.#clock = options.clock;
    this.#random = options.random;
    this.#onGone = options.onGone;
  }

  /** Newest first: those asked for, those watched, and those nobody has looked at for their pause. */
  async due(api: StripeApi, asked: ReadonlySet<string>): Promise<readonly RunningRun[]> {
    const watched = new Set(this.#followers.ids(api));
    const runs = await this.#ledger.runs.running(api);
    return runs.filter(
      (run) => asked.has(run.id) || watched.has(run.id) || this.#unwatchedWait(run, () => 0) <= 0,
    );
  }

  /** Ms until the next look; null where nothing runs. */
  async pause(api: StripeApi): Promise<number | null> {
    const watched = new Set(this.#followers.ids(api));
    const runs = await this.#ledger.runs.running(api);
    const youngest = runs.find(({ id }) => watched.has(id));
    if (youngest !== undefined) return watchedPause(this.#clock.now() - youngest.createdAt, this.#random);
    const waits = runs.map((run) => this.#unwatchedWait(run, this.#random));
    return waits.length === 0 ? null : Math.max(1_000, Math.min(...waits));
  }

  /** Stripe said that it does not know a run that the ledger knows as running. */
  missing(id: string): void {
    const now = this.#clock.now();
    const before = this.#missing.get(id);
    const isRow = before !== undefined && now - before.last < GONE_AFTER.apart;
    const seen = isRow
      ? { ...before, last: now, times: before.times + 1 }
      : { first: now, last: now, times: 1 };
    this.#missing.set(id, seen);
    if (seen.times < GONE_AFTER.times || now - seen.first < GONE_AFTER.ms) return;
    this.#missing.delete(id);
    this.#onGone(id);
  }

  /** A run was shown again. */
  found(id: string): void {
    this.#missing.delete(id);
  }

  #unwatchedWait(run: RunningRun, random: () => number): number {
    const pause = unwatchedPause(this.#clock.now() - run.createdAt, random);
    return this.#sightings.lastSeen(run.id) + pause - this.#clock.now();
  }
}
