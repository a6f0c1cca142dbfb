import type { Client } from 'pg';
import { ask } from './postgres-session.js';

/** Unix ms with fractions, on the database's own clock. */
const TIME = 'select (extract(epoch from clock_timestamp()) * 1000)::double precision as ms';

/** The database's clock, read without asking: a monotonic clock of this process and what must be added to it. */
export interface DatabaseClock {
  /** Unix ms, whole. */
  now(): number;
  /** Asks once more; rejects as the connection does, which is lost when there is no answer within `deadline` ms. */
  read(client: Client, deadline: number): Promise<void>;
}

/** `monotonic` gives ms of a clock that is never set: the wall clock of this machine may be wrong, or jump. */
export function createDatabaseClock(monotonic: () => number): DatabaseClock {
  let offset: number | null = null;
  return {
    now() {
      if (offset === null) throw new Error("The database's clock was asked before it was read.");
      return Math.floor(monotonic() + offset);
    },
    async read(client, deadline) {
      const before = monotonic();
      const { rows } = await ask<{ ms: number }>(client, TIME, { deadline });
      const after = monotonic();
      const ms = rows[0]?.ms;
      if (ms === undefined) throw new Error('The database gave no time.');
      const reading = ms - (before + after) / 2;
      // The answer was given at some moment between: a difference within that says nothing, and now() had better not jitter.
      if (offset === null || Math.abs(reading - offset) > (after - before) / 2) offset = reading;
    },
  };
}
