import type { Logger } from 'pino';

/** By UTC, such as `2026-11`. */
export function monthOf(now: number): string {
  return new Date(now).toISOString().slice(0, 7);
}

/** Whether a month has had the reads that were configured for it; says so once, and again when another month begins. */
export class MonthlyCap {
  readonly #monthlyReads: number | null;
  readonly #log: Logger;
  #cappedMonth: string | null = null;

  /** `monthlyReads` null: there is no cap. */
  constructor(monthlyReads: number | null, log: Logger) {
    this.#monthlyReads = monthlyReads;
    this.#log = log;
  }

  /** `now` is unix ms. */
  isOver(now: number): boolean {
    return this.#cappedMonth === monthOf(now);
  }

  note(month: string, monthReads: number): void {
    const monthlyReads = this.#monthlyReads;
    if (monthlyReads === null) return;
    const about = { month, monthReads, monthlyReads };
    if (monthReads >= monthlyReads && this.#cappedMonth !== month) {
      this.#cappedMonth = month;
      this.#log.warn(
        about,
        'the month has had its reads: work that nobody waits for slows down to one call a minute',
      );
    } else if (this.#cappedMonth !== null && this.#cappedMonth !== month) {
      this.#cappedMonth = null;
      this.#log.info(about, 'a new month has begun: work that nobody waits for goes on as usual');
    }
  }
}
