import type { FeedSchedule } from '../ledger/schedule.js';
import type { Clock } from './clock.js';

/** How often, ms, whoever waits for a tick looks for its end, in case the notice of it is lost. */
const POLL_MS = 500;

/** Those who wait for the end of a tick, in whichever instance it is. */
export class FeedWaiters {
  readonly #clock: Clock;
  readonly #look: () => Promise<void>;
  readonly #waiting = new Set<{ readonly ask: number; readonly resolve: () => void }>();
  #isPolling = false;
  #closed = false;

  /** `look` reads the schedule and hands it to `settle`. */
  constructor({ clock, look }: { clock: Clock; look: () => Promise<void> }) {
    this.#clock = clock;
    this.#look = look;
  }

  /** Resolves when a tick that took up this ask has ended, well or badly. */
  wait(ask: number): Promise<void> {
    if (this.#closed) return Promise.resolve();
    return new Promise<void>((resolve) => {
      this.#waiting.add({ ask, resolve });
      this.#poll();
    });
  }

  /** Lets those go on whose tick has ended; all of them where nobody need knock now. */
  settle({ served, claimed, leaseUntil }: FeedSchedule, isQuiet: boolean): void {
    for (const waiting of this.#waiting) {
      const isTried = leaseUntil === null && claimed >= waiting.ask;
      if (served < waiting.ask && !isTried && !isQuiet) continue;
      this.#waiting.delete(waiting);
      waiting.resolve();
    }
  }

  /** Lets all go on. */
  close(): void {
    this.#closed = true;
    for (const { resolve } of this.#waiting) resolve();
    this.#waiting.clear();
  }

  #poll(): void {
    if (this.#isPolling || this.#waiting.size === 0) return;
    this.#isPolling = true;
    this.#clock.after(POLL_MS, () => {
      this.#isPolling = false;
      if (this.#waiting.size > 0) void this.#look().then(() => this.#poll());
    });
  }
}
