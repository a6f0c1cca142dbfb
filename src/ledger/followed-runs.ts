import type { StripeApi } from '../models/report-run.js';
import type { Engine } from './engine.js';
import { batches } from './batches.js';
import { placeholders } from './observe.js';
import type { RunningRun } from './runs.js';
import { goneTopic, leftTopic } from './topics.js';

/** A run counts as gone after so many answers that Stripe does not know it, over so long a time (ms), none of them this much (ms) after the last. */
const GONE_AFTER = { times: 3, ms: 300_000, apart: 1_200_000 };

/** A running run, as its feed sees it. Times are unix ms. */
export interface FollowedRun extends RunningRun {
  /** When a read that showed it was begun; 0 where none was. */
  readonly seen: number;
  /** Until when somebody follows it; 0 where nobody does. */
  readonly watchedUntil: number;
  /** The last of the feed's asks that named it; 0 where none did. */
  readonly asked: number;
  /** When an event said that it ended; 0 where none did. */
  readonly endedAt: number;
}

/** What of the running runs sets the pace of their feed. Times are unix ms; null where there is no such run. */
export interface RunningPace {
  /** When the youngest was created that somebody follows. */
  readonly watched: number | null;
  /** When the first of those is due for its next look, by its own age. */
  readonly watchedDue: number | null;
  /** The latest end that an event has told of and no read has shown; now, where nobody has looked since then. */
  readonly ending: number | null;
  /** When the first of those is due that nobody follows: a tenth of its age after its last look, from one minute to 15. */
  readonly unwatched: number | null;
}

/** How far apart the looks are at a run that somebody follows, ms: a tenth of its age, within these bounds. */
export interface WatchedPace {
  readonly least: number;
  readonly most: number;
  /** So young, ms, a run is looked at each second all the same. */
  readonly young: number;
}

/** The running runs, for those who look after them. */
export interface FollowedRuns {
  /** Newest first. */
  followed(api: StripeApi): Promise<readonly FollowedRun[]>;
  pace(api: StripeApi, watched: WatchedPace): Promise<RunningPace>;
  /** Somebody follows these runs until an instant (unix ms). */
  watch(ids: readonly string[], until: number): Promise<void>;
  /** Nobody here follows these runs any more: those who do elsewhere hear of it, and say so. */
  unwatch(ids: readonly string[]): Promise<void>;
  /** Notes a look (unix ms) that may have shown nothing: it would show no more if it were repeated at once. */
  looked(id: string, askedAt: number): Promise<void>;
  /** Notes that Stripe did not know a running run (unix ms). True where it now counts as gone, which its followers are told. */
  missing(id: string, askedAt: number): Promise<boolean>;
}

const RUNNING = "account = ? and api = ? and status = 'RUNNING'";

export function followedRuns(engine: Engine, account: string): FollowedRuns {
  return {
    followed: (api) =>
      engine.query<FollowedRun>(
        `select id, created as "createdAt", type, coalesce(seen, 0) as seen, coalesce(watched_until, 0) as "watchedUntil",
           coalesce(asked, 0) as asked, coalesce(ended, 0) as "endedAt"
         from runs where ${RUNNING} order by created desc, id desc`,
        [account, api],
      ),
    async pace(api, { least, most, young }) {
      const now = engine.now();
      const [row] = await engine.query<RunningPace>(
        `select max(case when watched_until > ? then created end) as watched,
           min(case when watched_until > ? then coalesce(seen, 0) + case when created > ? then 1000
             when created > ? then ? when created < ? then ? else (? - created) / 10 end end) as "watchedDue",
           max(case when ended > ? then null
             when ended > coalesce(seen, 0) then cast(? as bigint) else ended end) as ending,
           min(case when watched_until > ? then null else coalesce(seen, 0) + case when created > ? then 60000
             when created < ? then 900000 else (? - created) / 10 end end) as unwatched
         from runs where ${RUNNING}`,
        [
          now,
          now,
          now - young,
          now - 10 * least,
          least,
          now - 10 * most,
          most,
          now,
          now,
          now,
          now,
          now - 600_000,
          now - 9_000_000,
          now,
          account,
          api,
        ],
      );
      return row ?? { watched: null, watchedDue: null, ending: null, unwatched: null };
    },
    async watch(ids, until) {
      await engine.tx(async (tx) => {
        for (const batch of batches(ids)) {
          await tx.query(
            `update runs set watched_until = ? where account = ? and id in (${placeholders(batch.length)})
             and (watched_until is null or watched_until < ?)`,
            [until, account, ...batch, until],
          );
        }
      });
    },
    async unwatch(ids) {
      await engine.tx(async (tx) => {
        for (const batch of batches(ids)) {
          const left = await tx.query<{ id: string }>(
            `update runs set watched_until = null where account = ? and id in (${placeholders(batch.length)})
             and watched_until is not null returning id`,
            [account, ...batch],
          );
          for (const { id } of left) tx.notify(leftTopic(account, id));
        }
      });
    },
    async looked(id, askedAt) {
      await engine.query(
        'update runs set seen = ? where account = ? and id = ? and (seen is null or seen < ?)',
        [askedAt, account, id, askedAt],
      );
    },
    missing(id, askedAt) {
      return engine.tx(async (tx) => {
        const [before] = await tx.query<{ seen: number | null; since: number | null; times: number | null }>(
          `select seen, missing_since as since, missing_times as times from runs
           where account = ? and id = ? and status = 'RUNNING'`,
          [account, id],
        );
        if (before === undefined) return false;
        const isRow = before.since !== null && askedAt - (before.seen ?? 0) < GONE_AFTER.apart;
        const since = isRow ? (before.since ?? askedAt) : askedAt;
        const times = isRow ? (before.times ?? 0) + 1 : 1;
        const isGone = times >= GONE_AFTER.times && askedAt - since >= GONE_AFTER.ms;
        await tx.query(
          'update runs set seen = ?, missing_since = ?, missing_times = ? where account = ? and id = ?',
          [askedAt, isGone ? null : since, isGone ? null : times, account, id],
        );
        if (isGone) tx.notify(goneTopic(account, id));
        return isGone;
      });
    },
  };
}
