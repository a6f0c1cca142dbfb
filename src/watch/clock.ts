import { setTimeout as wait } from 'node:timers/promises';

/** What time it is, and what happens later: passed in, so that tests and the simulation need not wait. */
export interface Clock {
  /** Unix ms. */
  now(): number;
  /** Resolves after so many ms. */
  wait(ms: number): Promise<unknown>;
  /** Calls `work` after so many ms, unless the returned function is called before. */
  after(ms: number, work: () => void): () => void;
}

/** The process's own timers, with the database's time of day. */
export function systemClock(now: () => number): Clock {
  return {
    now,
    wait: (ms) => wait(ms),
    after(ms, work) {
      const timer = setTimeout(work, ms);
      return () => clearTimeout(timer);
    },
  };
}
