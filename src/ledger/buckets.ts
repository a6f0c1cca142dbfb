import type { Asker, Engine, Tx } from './engine.js';

/** Tokens that come back by themselves: within t seconds at most `capacity + t × perSecond` of them are given out. */
export interface Bucket {
  readonly name: string;
  readonly perSecond: number;
  /** How many it holds when it is full, as it is at first. */
  readonly capacity: number;
}

export interface TokenAsk {
  /** One token of each of these, or none of any; `leave` is how many have to stay for whoever is more important. */
  readonly from: readonly { readonly bucket: Bucket; readonly leave: number }[];
  /** Whether it is counted as a read of the day. */
  readonly isRead: boolean;
}

/** What became of some asks. */
export interface Taken {
  /** For each ask 0 where it has its tokens, else the ms until it can have them at the earliest, behind those before it. */
  readonly waits: readonly number[];
  /** The month by UTC, such as `2026-11`, and its reads so far, these included. */
  readonly month: string;
  readonly monthReads: number;
}

/** The reads of one day. */
export interface DayUsage {
  /** By UTC, such as `2026-11-21`. */
  readonly day: string;
  readonly reads: number;
}

/** An account's token buckets and the count of its reads, shared by all processes on the database and kept on its clock. */
export interface Buckets {
  /** Serves what it can, in the order given. */
  take(asks: readonly TokenAsk[]): Promise<Taken>;
  /**
   * Lets nothing out of a bucket for a while, and then one token to begin with: a second, twice as long each time this happens again
   * soon after, never less than `leastMs`. Gives the ms from now. While it is paused already, only `leastMs` can make that longer.
   */
  pause(name: string, leastMs: number): Promise<number>;
  /** The days that have reads, newest first, up to 13 months back. */
  usage(): Promise<readonly DayUsage[]>;
}

const FIRST_PAUSE_MS = 1_000;
const GROWN_PAUSE_MS = 32_000;
/** No pause is longer, whatever Stripe says, and no time in the table is believed that lies further ahead. */
const LONGEST_PAUSE_MS = 300_000;
/** This long after a pause, ms, the next one begins at a second again. */
const FORGET_MS = 60_000;
const KEPT_MONTHS = 13;

interface Row {
  readonly name: string;
  readonly tokens: number;
  readonly at: number;
  readonly paused_until: number | null;
  readonly strikes: number;
}

/** A bucket while asks are served from it. */
interface Level {
  readonly bucket: Bucket;
  tokens: number;
  /** Up to when tokens have flowed, unix ms; in the future while it is paused. */
  readonly at: number;
  readonly pauseMs: number;
  readonly strikes: number;
  readonly pausedUntil: number | null;
  isTouched: boolean;
  /** How many asks are waiting for it. */
  waiting: number;
}

export function openBuckets(engine: Engine, account: string): Buckets {
  async function rows(asker: Asker): Promise<ReadonlyMap<string, Row>> {
    const found = await asker.query<Row>(
      'select name, tokens, at, paused_until, strikes from buckets where account = ?',
      [account],
    );
    return new Map(found.map((row) => [row.name, row]));
  }

  async function write(tx: Tx, row: Row): Promise<void> {
    await tx.query(
      `insert into buckets (account, name, tokens, at, paused_until, strikes) values (?, ?, ?, ?, ?, ?)
       on conflict (account, name) do update
       set tokens = excluded.tokens, at = excluded.at, paused_until = excluded.paused_until, strikes = excluded.strikes`,
      [account, row.name, row.tokens, row.at, row.paused_until, row.strikes],
    );
  }

  async function count(tx: Tx, reads: number, day: string): Promise<void> {
    const [counted] = await tx.query<{ reads: number }>(
      `insert into usage (account, day, reads) values (?, ?, ?)
       on conflict (account, day) do update set reads = usage.reads + excluded.reads returning reads`,
      [account, day, reads],
    );
    if (counted?.reads === reads)
      await tx.query('delete from usage where account = ? and day < ?', [account, monthsBefore(day)]);
  }

  async function readsOf(tx: Tx, month: string): Promise<number> {
    const [sum] = await tx.query<{ reads: number }>(
      'select cast(coalesce(sum(reads), 0) as bigint) as reads from usage where account = ? and day >= ? and day <= ?',
      [account, `${month}-01`, `${month}-31`],
    );
    return sum?.reads ?? 0;
  }

  return {
    take: (asks) =>
      engine.tx(async (tx) => {
        const now = engine.now();
        const day = new Date(now).toISOString().slice(0, 10);
        const month = day.slice(0, 7);
        const known = await rows(tx);
        const levels = new Map<string, Level>();
        const waits = asks.map(({ from }) => {
          const wanted = from.map(({ bucket, leave }) => {
            const level = levels.get(bucket.name) ?? levelOf(bucket, known.get(bucket.name), now);
            levels.set(bucket.name, level);
            return { level, leave };
          });
          return serve(wanted);
        });
        for (const level of levels.values()) {
          const { bucket, tokens, at, pausedUntil, strikes, isTouched } = level;
          if (isTouched)
            await write(tx, { name: bucket.name, tokens, at, paused_until: pausedUntil, strikes });
        }
        const reads = asks.filter(({ isRead }, index) => isRead && waits[index] === 0).length;
        if (reads > 0) await count(tx, reads, day);
        return { waits, month, monthReads: await readsOf(tx, month) };
      }),

    pause: (name, leastMs) =>
      engine.tx(async (tx) => {
        const now = engine.now();
        const row = (await rows(tx)).get(name);
        const least = Math.min(leastMs, LONGEST_PAUSE_MS);
        const before = believed(row?.paused_until ?? null, now);
        const isPaused = before !== null && before > now;
        const isAgain = before !== null && now - before < FORGET_MS;
        const strikes = isPaused ? (row?.strikes ?? 1) : isAgain ? (row?.strikes ?? 0) + 1 : 1;
        const grown = Math.min(FIRST_PAUSE_MS * 2 ** (strikes - 1), GROWN_PAUSE_MS);
        const until = isPaused ? Math.max(before, now + least) : now + Math.max(grown, least);
        await write(tx, { name, tokens: 1, at: until, paused_until: until, strikes });
        return until - now;
      }),

    usage: () =>
      engine.query<DayUsage>('select day, reads from usage where account = ? order by day desc', [account]),
  };
}

function levelOf(bucket: Bucket, row: Row | undefined, now: number): Level {
  const level = { bucket, strikes: row?.strikes ?? 0, isTouched: false, waiting: 0 };
  if (row === undefined) return { ...level, tokens: bucket.capacity, at: now, pauseMs: 0, pausedUntil: null };
  const pausedUntil = believed(row.paused_until, now);
  const at = believed(row.at, now) ?? now;
  const flowed = (Math.max(0, now - at) * bucket.perSecond) / 1000;
  return {
    ...level,
    tokens: Math.min(bucket.capacity, row.tokens + flowed),
    at: Math.max(at, now),
    pauseMs: Math.max(0, (pausedUntil ?? now) - now),
    pausedUntil,
  };
}

/** A time that the database wrote before its clock was set back would hold everybody up until it has come again. */
function believed(time: number | null, now: number): number | null {
  return time !== null && time > now + LONGEST_PAUSE_MS ? now : time;
}

/** Takes a token of each if all have one to give; else says how long that will be. */
function serve(wanted: readonly { readonly level: Level; readonly leave: number }[]): number {
  const wait = Math.max(0, ...wanted.map(({ level, leave }) => waitFor(level, leave)));
  for (const { level } of wanted) {
    if (wait > 0) level.waiting += 1;
    else {
      level.tokens -= 1;
      level.isTouched = true;
    }
  }
  return wait;
}

function waitFor(level: Level, leave: number): number {
  const { tokens, pauseMs, waiting, bucket } = level;
  if (pauseMs === 0 && tokens >= leave + 1) return 0;
  const missing = Math.max(0, leave + 1 + waiting - tokens);
  return Math.max(1, pauseMs + Math.ceil((missing / bucket.perSecond) * 1000));
}

/** The first day of the month that is still kept. */
function monthsBefore(day: string): string {
  const [year = 0, month = 1] = day.split('-').map(Number);
  return new Date(Date.UTC(year, month - 1 - KEPT_MONTHS, 1)).toISOString().slice(0, 10);
}
