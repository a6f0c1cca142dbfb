import type { ObservedRun, StripeApi, UnreadableRun } from '../models/report-run.js';
import type { RunPosition } from '../models/run-page.js';
import type { Asker, Engine } from './engine.js';
import type { ObserveReport } from './observe.js';
import type { RunNote, Runs } from './runs.js';
import { LeaseLost, readSchedule } from './schedule.js';

/** How far one of Stripe's APIs has been read. Times are unix ms; null where nothing was read yet. */
export interface FeedMarks {
  /** When a read of its head was last complete. */
  readonly refreshed: number | null;
  /** The stretch that was read without a gap goes from here … */
  readonly newest: number | null;
  /** … down to this run, and all of it is in the ledger. */
  readonly horizon: RunPosition | null;
  /** Where a read of the head stands that has not met the stretch: at this instant and below, runs may be missing above `newest`. */
  readonly gap: number | null;
  /** Whether the stretch reaches the very first run. */
  readonly complete: boolean;
  /** Events were read up to this instant. */
  readonly eventCursor: number | null;
  /** When events were last read over their whole retention. */
  readonly swept: number | null;
  /** The last time whose events nobody has read before Stripe dropped them. */
  readonly lost: { readonly from: number; readonly until: number } | null;
  /** How often there was one. */
  readonly losses: number;
}

/** What a read found, written together with the marks it moves. */
interface FeedRows {
  readonly items?: readonly (ObservedRun | UnreadableRun)[];
  readonly notes?: readonly RunNote[];
  /** When the read of `items` began, unix ms. */
  readonly askedAt?: number;
  /** The claim under which it was read: where the feed has been taken over since, nothing is written, and it is a LeaseLost. */
  readonly attempt?: number;
}

/** The feeds of one account. */
export interface Feeds {
  /** Of an API that was never read: nothing, and not complete. With `asker` as the snapshot has it. */
  get(api: StripeApi, asker?: Asker): Promise<FeedMarks>;
  /** Sets the marks in `patch`, or those it makes of the present ones, and writes the rows, in one transaction. */
  advance(
    api: StripeApi,
    patch: Partial<FeedMarks> | ((marks: FeedMarks) => Partial<FeedMarks>),
    rows?: FeedRows,
  ): Promise<ObserveReport>;
}

interface FeedRow {
  readonly refreshed: number | null;
  readonly newest: number | null;
  readonly horizon: number | null;
  readonly horizonId: string | null;
  readonly gap: number | null;
  readonly complete: number;
  readonly eventCursor: number | null;
  readonly swept: number | null;
  readonly lostFrom: number | null;
  readonly lostUntil: number | null;
  readonly losses: number;
}

const UNREAD: FeedMarks = {
  refreshed: null,
  newest: null,
  horizon: null,
  gap: null,
  complete: false,
  eventCursor: null,
  swept: null,
  lost: null,
  losses: 0,
};

export function openFeeds(engine: Engine, account: string, runs: Pick<Runs, 'observe' | 'note'>): Feeds {
  async function read(asker: Asker, api: StripeApi): Promise<FeedMarks> {
    const [row] = await asker.query<FeedRow>(
      `select refreshed, newest, horizon, horizon_id as "horizonId", gap, complete, event_cursor as "eventCursor", swept,
         lost_from as "lostFrom", lost_until as "lostUntil", losses
       from feeds where account = ? and api = ?`,
      [account, api],
    );
    return row ? toFeed(row) : UNREAD;
  }

  return {
    get: (api, asker = engine) => read(asker, api),
    advance(api, patch, { items = [], notes = [], askedAt, attempt } = {}) {
      return engine.tx(async (tx) => {
        if (attempt !== undefined && (await readSchedule(tx, account, api)).attempt !== attempt)
          throw new LeaseLost();
        const before = await read(tx, api);
        const feed: FeedMarks = { ...before, ...(typeof patch === 'function' ? patch(before) : patch) };
        await tx.query(
          `insert into feeds (account, api, refreshed, newest, horizon, horizon_id, gap, complete, event_cursor, swept,
             lost_from, lost_until, losses)
           values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
           on conflict (account, api) do update set refreshed = excluded.refreshed, newest = excluded.newest,
             horizon = excluded.horizon, horizon_id = excluded.horizon_id, gap = excluded.gap, complete = excluded.complete,
             event_cursor = excluded.event_cursor, swept = excluded.swept, lost_from = excluded.lost_from,
             lost_until = excluded.lost_until, losses = excluded.losses`,
          [
            account,
            api,
            feed.refreshed,
            feed.newest,
            feed.horizon?.createdAt ?? null,
            feed.horizon?.id ?? null,
            feed.gap,
            feed.complete ? 1 : 0,
            feed.eventCursor,
            feed.swept,
            feed.lost?.from ?? null,
            feed.lost?.until ?? null,
            feed.losses,
          ],
        );
        await runs.note(api, notes, { tx });
        return runs.observe(items, askedAt === undefined ? { tx } : { tx, askedAt });
      });
    },
  };
}

function toFeed({ horizon, horizonId, complete, lostFrom, lostUntil, ...rest }: FeedRow): FeedMarks {
  return {
    ...rest,
    lost: lostFrom === null || lostUntil === null ? null : { from: lostFrom, until: lostUntil },
    horizon: horizon === null ? null : { createdAt: horizon, id: horizonId ?? '' },
    complete: complete === 1,
  };
}
