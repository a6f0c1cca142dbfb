import type { JsonObject } from '../models/json.js';
import type { StripeApi } from '../models/report-run.js';
import type { Tx } from './engine.js';
import { proveIntents } from './intent-evidence.js';
import { observeIn } from './observe.js';
import type { RunNote, RunScope } from './runs.js';

/** The runs without a status: known by their id alone, or kept raw because they broke their contract. Times are unix ms. */
export interface UnreadRuns {
  /**
   * Remembers ids that are still to be read. Of a run that was read it keeps `endedAt` alone, where nobody saw it end so far. An
   * intent whose upstream key a note names is done: that is its run.
   */
  note(api: StripeApi, notes: readonly RunNote[], options?: { readonly tx?: Tx }): Promise<void>;
  /** Ids that were noted and never answered for, newest first; only those that were not looked at since `lookedBefore`. */
  unread(api: StripeApi, limit: number, lookedBefore?: number): Promise<readonly string[]>;
  /** The earliest last look at an id that was never answered for; 0 where one was never looked at, null where there is none. */
  unreadSince(api: StripeApi): Promise<number | null>;
  /** The runs without a status that asks of the feed named, after one ask up to another. */
  unreadAsked(api: StripeApi, after: number, upTo: number): Promise<readonly string[]>;
  /** Drops an id that never showed a status, because Stripe knows no such run. Whether there was one. */
  forget(id: string): Promise<boolean>;
}

export function unreadRuns({ engine, account, now }: RunScope): UnreadRuns {
  return {
    async note(api, notes, { tx } = {}) {
      const work = async (open: Tx): Promise<void> => {
        await noteIn(open, account, api, notes);
        await proveIntents(open, account, notes, now());
      };
      await (tx ? work(tx) : engine.tx(work));
    },
    async unread(api, limit, lookedBefore = Number.MAX_SAFE_INTEGER) {
      const rows = await engine.query<{ id: string }>(
        `select id from runs where account = ? and status is null and api = ? and body is null
           and (seen is null or seen <= ?)
         order by created desc, id desc limit ?`,
        [account, api, lookedBefore, limit],
      );
      return rows.map(({ id }) => id);
    },
    async unreadSince(api) {
      const [row] = await engine.query<{ since: number | null }>(
        `select min(coalesce(seen, 0)) as since from runs
         where account = ? and status is null and api = ? and body is null`,
        [account, api],
      );
      return row?.since ?? null;
    },
    async unreadAsked(api, after, upTo) {
      const rows = await engine.query<{ id: string }>(
        'select id from runs where account = ? and status is null and api = ? and asked > ? and asked <= ?',
        [account, api, after, upTo],
      );
      return rows.map(({ id }) => id);
    },
    async forget(id) {
      const rows = await engine.query(
        'delete from runs where account = ? and id = ? and status is null returning id',
        [account, id],
      );
      return rows.length > 0;
    },
  };
}

async function noteIn(tx: Tx, account: string, api: StripeApi, notes: readonly RunNote[]): Promise<void> {
  for (const { id, createdAt, endedAt } of notes) {
    // The condition spares a write where there is nothing new, as in every sweep over known events.
    await tx.query(
      `insert into runs (account, id, api, created, ended, version) values (?, ?, ?, ?, ?, 0)
       on conflict (account, id) do update set
         ended = coalesce(runs.ended, excluded.ended), created = coalesce(runs.created, excluded.created),
         finished = case when runs.status in ('SUCCEEDED', 'FAILED') then coalesce(runs.finished, excluded.ended) end
       where runs.ended is null and excluded.ended is not null or runs.created is null and excluded.created is not null`,
      [account, id, api, createdAt ?? null, endedAt ?? null],
    );
  }
}

/**
 * Reads again, with the decoder of today, what an older one could not read. Only runs without a status: the others are decoded on
 * every read anyway.
 */
export async function mendUnreadable(scope: RunScope): Promise<void> {
  const { engine, account, decode, decoderVersion } = scope;
  const rows = await engine.query<{ api: StripeApi; body: string }>(
    'select api, body from runs where account = ? and status is null and body is not null and decoder <> ?',
    [account, decoderVersion],
  );
  const items = rows.map(({ api, body }) => decode(api, JSON.parse(body) as JsonObject));
  const readable = items.filter((item) => 'run' in item);
  if (readable.length === 0) return;
  const observed = { account, decoderVersion, now: scope.now() };
  await engine.tx((tx) => observeIn(tx, observed, readable));
}
