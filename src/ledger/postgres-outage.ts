import { Lost } from './postgres-errors.js';

/** How long an outage of the database is waited out, ms. */
const PATIENCE = 15_000;
/** Then one question is let through in so many ms, to see whether it is over. */
const PROBE = 1_000;
const FIRST_WAIT = 50;
const LONGEST_WAIT = 1_000;

export interface OutageOptions {
  /** Ms of a clock that is never set. */
  readonly monotonic: () => number;
  readonly random: () => number;
}

/** A short restart of the database as a pause: what was lost is asked again until it is answered. */
export interface Outage {
  /** Gives what `attempt` gives; where that throws `Lost` for too long, throws the cause. */
  ride<T>(attempt: () => Promise<T>): Promise<T>;
  /** Waits no more: from now on a loss is an error at once. */
  giveUp(): void;
  /** Aborted by `giveUp`. */
  readonly over: AbortSignal;
}

export function createOutage({ monotonic, random }: OutageOptions): Outage {
  /** Since when nothing was answered, and by what; shared by all that is asked, so that a queue does not wait one by one. */
  let since: number | null = null;
  let reason: unknown = null;
  let probe = 0;
  const giving = new AbortController();

  function isOver(): boolean {
    return giving.signal.aborted || (since !== null && monotonic() - since >= PATIENCE);
  }

  return {
    async ride(attempt) {
      for (let longest = FIRST_WAIT; ; longest = Math.min(2 * longest, LONGEST_WAIT)) {
        if (since !== null && isOver() && monotonic() < probe) throw reason;
        try {
          const result = await attempt();
          since = null;
          return result;
        } catch (error) {
          if (!(error instanceof Lost)) {
            since = null;
            throw error;
          }
          since ??= monotonic();
          reason = error.cause;
          probe = monotonic() + PROBE;
          if (isOver()) throw reason;
        }
        await pause((longest * (1 + random())) / 2, giving.signal);
      }
    },
    giveUp: () => giving.abort(),
    over: giving.signal,
  };
}

/** Waits so many ms, or until the signal. */
export function pause(ms: number, signal: AbortSignal): Promise<void> {
  if (signal.aborted) return Promise.resolve();
  return new Promise((resolve) => {
    const end = (): void => {
      clearTimeout(timer);
      signal.removeEventListener('abort', end);
      resolve();
    };
    const timer = setTimeout(end, ms);
    signal.addEventListener('abort', end);
  });
}
