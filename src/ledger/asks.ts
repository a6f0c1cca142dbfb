import type { StripeApi } from '../models/report-run.js';
import type { Engine, Tx } from './engine.js';
import { batches } from './batches.js';
import { placeholders } from './observe.js';
import { type FeedSchedule, readSchedule } from './schedule.js';
import { feedTopic } from './topics.js';

/** What is asked of a feed. */
export interface Wanted {
  /** Runs whose state somebody wants to know. */
  readonly ids: readonly string[];
  /** Whether new runs are to be looked for. */
  readonly news: boolean;
}

/** Notes an ask of a feed; see `Schedule.want`. */
export function want(
  engine: Engine,
  account: string,
  api: StripeApi,
  wanted: Wanted,
  freshMs?: number,
): Promise<number | null> {
  return engine.tx(async (tx) => {
    await tx.query(
      'insert into feeds (account, api, complete) values (?, ?, 0) on conflict (account, api) do nothing',
      [account, api],
    );
    const feed = await readSchedule(tx, account, api);
    const now = engine.now();
    const asked = { tx, account, api, feed, now };
    if (freshMs === undefined) return note(asked, wanted);
    if (now < (feed.failure?.quietUntil ?? 0)) return null;
    const left = await stale(asked, wanted, now - freshMs);
    if (left.ids.length === 0 && !left.news) return null;
    return (await isUnderWay(asked, left, now - freshMs)) ? feed.claimed : note(asked, left);
  });
}

interface Asked {
  readonly tx: Tx;
  readonly account: string;
  readonly api: StripeApi;
  readonly feed: FeedSchedule;
  readonly now: number;
}

/** What of it no read since then (unix ms) has shown. */
async function stale({ tx, account, feed }: Asked, wanted: Wanted, since: number): Promise<Wanted> {
  const ids: string[] = [];
  for (const batch of batches(wanted.ids)) {
    const rows = await tx.query<{ id: string }>(
      `select id from runs where account = ? and id in (${placeholders(batch.length)}) and status = 'RUNNING'
       and (seen is null or seen < ?)`,
      [account, ...batch, since],
    );
    ids.push(...rows.map(({ id }) => id));
  }
  return { ids, news: wanted.news && (feed.refreshed ?? 0) < since };
}

/** Whether a tick begun since then (unix ms) is at all of it. */
async function isUnderWay(
  { tx, account, feed, now }: Asked,
  { ids, news }: Wanted,
  since: number,
): Promise<boolean> {
  const { leaseUntil, began, askedNews, claimed, served } = feed;
  if (leaseUntil === null || leaseUntil <= now || (began ?? 0) < since) return false;
  if (news && (askedNews <= served || askedNews > claimed)) return false;
  for (const batch of batches(ids)) {
    const rows = await tx.query(
      `select id from runs where account = ? and id in (${placeholders(batch.length)}) and asked > ? and asked <= ?`,
      [account, ...batch, served, claimed],
    );
    if (rows.length < new Set(batch).size) return false;
  }
  return true;
}

async function note({ tx, account, api, feed, now }: Asked, { ids, news }: Wanted): Promise<number> {
  const number = feed.asked + 1;
  const due = Math.max(now, feed.failure?.quietUntil ?? 0);
  await tx.query('update feeds set asked = ?, asked_news = ?, due = ? where account = ? and api = ?', [
    number,
    news ? number : feed.askedNews,
    Math.min(feed.due ?? due, due),
    account,
    api,
  ]);
  for (const batch of batches(ids)) {
    await tx.query(
      `update runs set asked = ? where account = ? and id in (${placeholders(batch.length)})
       and (status = 'RUNNING' or status is null)`,
      [number, account, ...batch],
    );
  }
  tx.notify(feedTopic(account, api));
  return number;
}
