import type { Priority } from '../datasources/admission.js';
import { UpstreamError } from '../models/errors.js';
import type { Clock } from './clock.js';

/** Work that nobody waits for is put off where the budget has no calls left for it, which is no failure of Stripe's. */
export class SpareTime {
  readonly #clock: Clock;
  #until = 0;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Ms until it is worth another try. */
  get pause(): number {
    return Math.max(0, this.#until - this.#clock.now());
  }

  /** What the work gives; null where it is of the least priority and put off. Any other work is simply done. */
  async run<T>(priority: Priority, work: () => Promise<T>): Promise<T | null> {
    if (priority !== 'rest') return work();
    if (this.pause > 0) return null;
    try {
      return await work();
    } catch (error) {
      if (!(error instanceof UpstreamError) || error.kind !== 'rate_limited') throw error;
      this.#until = this.#clock.now() + (error.retryAfter ?? 1) * 1_000;
      return null;
    }
  }
}
