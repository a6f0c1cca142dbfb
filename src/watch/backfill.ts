import type { Logger } from 'pino';
import type { Ledger } from '../ledger/ledger.js';
import type { Clock } from './clock.js';
import { failurePause } from './pace.js';
import type { StretchV1 } from './stretch-v1.js';

/** Two pages a second leave the account's limit to those who wait for an answer. */
const PAUSE_MS = 500;

interface BackfillOptions {
  readonly ledger: Ledger;
  readonly stretch: StretchV1;
  readonly log: Logger;
  readonly clock: Clock;
  readonly random: () => number;
}

/** Moves v1's horizon to the very first run, a page at a time, in the background. */
export class Backfill {
  readonly #options: BackfillOptions;
  #cancel: () => void = () => {};
  #step: Promise<void> = Promise.resolve();
  #failures = 0;
  #closed = false;

  constructor(options: BackfillOptions) {
    this.#options = options;
  }

  start(): void {
    if (!this.#closed) this.#step = this.#next();
  }

  async close(): Promise<void> {
    this.#closed = true;
    this.#cancel();
    await this.#step;
  }

  async #next(): Promise<void> {
    const { ledger, stretch, log, clock, random } = this.#options;
    try {
      if ((await ledger.feeds.get('V1')).complete) return;
      await stretch.extend();
      this.#failures = 0;
    } catch (error) {
      this.#failures += 1;
      if (this.#failures === 1)
        log.warn({ err: error }, 'the history of v1 runs cannot be read at the moment');
    }
    if (this.#closed) return;
    const pause = this.#failures === 0 ? PAUSE_MS : failurePause(this.#failures, random);
    this.#cancel = clock.after(pause, () => this.start());
  }
}
