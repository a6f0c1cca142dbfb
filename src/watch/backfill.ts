import type { Logger } from 'pino';
import type { Ledger } from '../ledger/ledger.js';
import type { Clock } from './clock.js';
import { failurePause } from './pace.js';
import type { SpareTime } from './spare-time.js';
import type { StretchV1 } from './stretch-v1.js';

/** Between two pages, ms: history has time. */
const PAUSE_MS = 500;

interface BackfillOptions {
  readonly ledger: Ledger;
  readonly stretch: StretchV1;
  readonly spare: SpareTime;
  readonly log: Logger;
  readonly clock: Clock;
  readonly random: () => number;
}

/** Moves v1's horizon to the very first run in the background: a page in each tick that nobody waits for, and so in one instance at a time. */
export class Backfill {
  readonly #options: BackfillOptions;
  #failures = 0;
  /** Unix ms. */
  #nextAt = 0;

  constructor(options: BackfillOptions) {
    this.#options = options;
  }

  /** Reads a page if it is time to. What fails is tried again later, and says nothing of the tick it was in. */
  async step(): Promise<void> {
    const { stretch, spare, log, clock, random } = this.#options;
    if (clock.now() < this.#nextAt || (await this.pause()) === null) return;
    try {
      await spare.run('rest', () => stretch.extend('rest'));
      this.#failures = 0;
    } catch (error) {
      this.#failures += 1;
      if (this.#failures === 1)
        log.warn({ err: error }, 'the history of v1 runs cannot be read at the moment');
    }
    this.#nextAt = clock.now() + (this.#failures === 0 ? PAUSE_MS : failurePause(this.#failures, random));
  }

  /** Ms until there is something to do; null where there is nothing. */
  async pause(): Promise<number | null> {
    const { ledger, spare, clock } = this.#options;
    const { horizon, complete } = await ledger.feeds.get('V1');
    return complete || horizon === null ? null : Math.max(0, spare.pause, this.#nextAt - clock.now());
  }
}
