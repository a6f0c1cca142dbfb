import { randomBytes } from 'node:crypto';
import { type Buckets, openBuckets } from './buckets.js';
import { type Asker, type Engine, LedgerError } from './engine.js';
import { type Feeds, openFeeds } from './feeds.js';
import { type Files, openFiles } from './files.js';
import { forgetFuture } from './future.js';
import { type Intents, openIntents } from './intents.js';
import { migrate } from './migrations.js';
import { openReportTypes, type ReportTypes } from './report-types.js';
import { openRunChanges, type RunChanges } from './run-changes.js';
import { openRetention, type Retention } from './retention.js';
import { openRuns, type RunScope, type Runs } from './runs.js';
import { durations } from './durations.js';
import { freeFeeds, openSchedule, type Schedule } from './schedule.js';
import { mendUnreadable } from './unread-runs.js';

/** What is remembered for one account. Another account in the same database is never seen. */
export interface Ledger {
  readonly runs: Runs;
  readonly changes: RunChanges;
  readonly intents: Intents;
  readonly feeds: Feeds;
  readonly schedule: Schedule;
  readonly reportTypes: ReportTypes;
  readonly files: Files;
  /** How long the latest runs of a report type that SUCCEEDED took, ms; only those whose end Stripe itself has told. */
  durations(type: string, limit: number): Promise<readonly number[]>;
  readonly buckets: Buckets;
  readonly retention: Retention;
  /** Reads from one state of the database. Inside `work` give the `asker` to all that is asked of the ledger. */
  snapshot<T>(work: (asker: Asker) => Promise<T>): Promise<T>;
  /** 32 random bytes, made when first asked for and the same ever after. */
  secret(name: string): Promise<Uint8Array>;
}

export interface LedgerOptions extends RunScope {
  /** The origin of Stripe's API, such as `https://api.stripe.com`. */
  readonly upstream: string;
}

/**
 * Brings the database to this version, makes sure that it belongs to the same upstream as ever, and reads again what an older
 * decoder could not. The engine stays the caller's to close. Throws a LedgerError with a sentence for the operator.
 */
export async function openLedger(options: LedgerOptions): Promise<Ledger> {
  const { engine, account, upstream, now } = options;
  await migrate(engine, now);
  await bind(engine, account, upstream);
  await mendUnreadable(options);
  // Whoever had a feed in this database is dead, and their clock was not this one.
  if (!engine.isShared) {
    await freeFeeds(engine);
    await forgetFuture(engine);
  }
  const runs = openRuns(options);
  return {
    runs,
    changes: openRunChanges(engine, account, runs),
    intents: openIntents(engine, account, runs, now),
    feeds: openFeeds(engine, account, runs),
    schedule: openSchedule(engine, account),
    reportTypes: openReportTypes(engine, account),
    files: openFiles(engine, account),
    durations: (type, limit) => durations(engine, account, type, limit),
    buckets: openBuckets(engine, account),
    retention: openRetention(engine, account, now),
    snapshot: (work) => engine.snapshot(work),
    secret: (name) => secret(engine, account, name),
  };
}

/** A ledger belongs to one upstream, whatever the account: the runs of a sandbox must never be asked for with a real key. */
async function bind(engine: Engine, account: string, upstream: string): Promise<void> {
  await engine.tx(async (tx) => {
    const [other] = await tx.query<{ value: string }>(
      "select value from settings where name = 'upstream' and value <> ?",
      [upstream],
    );
    if (other) {
      throw new LedgerError(
        `The ledger was filled from ${other.value} and cannot be used with ${upstream}. Set STRIPE_API_BASE back, or name another file in DATABASE_URL.`,
      );
    }
    await tx.query(
      "insert into settings (account, name, value) values (?, 'upstream', ?) on conflict (account, name) do nothing",
      [account, upstream],
    );
  });
}

async function secret(engine: Engine, account: string, name: string): Promise<Uint8Array> {
  const row = `secret:${name}`;
  const value = await engine.tx(async (tx) => {
    await tx.query(
      'insert into settings (account, name, value) values (?, ?, ?) on conflict (account, name) do nothing',
      [account, row, randomBytes(32).toString('hex')],
    );
    const [kept] = await tx.query<{ value: string }>(
      'select value from settings where account = ? and name = ?',
      [account, row],
    );
    return kept?.value ?? '';
  });
  return Uint8Array.from(Buffer.from(value, 'hex'));
}
