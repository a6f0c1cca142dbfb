import type { UpstreamErrorDetails, UpstreamErrorKind } from '../models/errors.js';
import type { StripeApi } from '../models/report-run.js';
import type { UpstreamState } from '../models/upstream-state.js';
import { want, type Wanted } from './asks.js';
import type { Asker, Engine, Tx } from './engine.js';
import { feedTopic } from './topics.js';

/** A tick went on after another instance had taken its feed over: nothing of what it reads moves the feed's marks. */
export class LeaseLost extends Error {
  override readonly name = 'LeaseLost';

  constructor() {
    super('Another instance has taken the feed over.');
  }
}

/** Why the last tick of a feed failed. */
export interface FeedFailure {
  readonly message: string;
  /** What went wrong with Stripe; null where it was something else that failed. */
  readonly kind: UpstreamErrorKind | null;
  readonly details: UpstreamErrorDetails;
  /** How many ticks have failed one after the other. */
  readonly times: number;
  /** Until when (unix ms) nobody need knock again. */
  readonly quietUntil: number;
}

/** When a feed is due, who is at it, and what was asked of it. Times are unix ms; asks are numbered from 1. */
export interface FeedSchedule {
  /** Null: when asked. During a tick: when the next one is due that was asked for meanwhile. */
  readonly due: number | null;
  /** Until when somebody is at it, unless they say that they go on; null while nobody is. */
  readonly leaseUntil: number | null;
  /** Counts the claims. */
  readonly attempt: number;
  /** When the last claim was made. */
  readonly began: number | null;
  readonly asked: number;
  /** The last ask that wants new runs. */
  readonly askedNews: number;
  /** Up to which ask the last tick has taken them up. */
  readonly claimed: number;
  /** Up to which ask they were served well. */
  readonly served: number;
  /** When new runs were last looked for with success. */
  readonly refreshed: number | null;
  readonly state: UpstreamState['state'];
  readonly failure: FeedFailure | null;
}

/** How a tick ended. Times are unix ms. */
export interface TickEnd {
  /** When the next one is due by itself; null: when asked. */
  readonly due: number | null;
  readonly state: UpstreamState['state'];
  /** Null where the tick has brought what it was asked for. */
  readonly failure: FeedFailure | null;
}

/** The schedule of one account's feeds, which all instances on the database share. */
export interface Schedule {
  get(api: StripeApi): Promise<FeedSchedule>;
  /**
   * Notes an ask; resolves to its number when that is committed. With `freshMs` a read at most so old is as good as a new one:
   * what one has shown is not noted, nor anything while nobody need knock (then it resolves to null), and an ask for what a
   * tick at most so old is at already shares that one's number.
   */
  want(api: StripeApi, wanted: Wanted, freshMs?: number): Promise<number | null>;
  /** Makes the feed due at this instant unless it is due before. */
  hasten(api: StripeApi, due: number): Promise<void>;
  /** Takes the feed if it is due, or its holder's lease is over. Only one of all who try at once gets it. */
  claim(api: StripeApi, leaseMs: number): Promise<FeedSchedule | null>;
  /** Keeps the feed; false where another has it by now. */
  renew(api: StripeApi, attempt: number, leaseMs: number): Promise<boolean>;
  /** Gives the feed back; false where another has it by now, and then nothing is written. */
  finish(api: StripeApi, attempt: number, end: TickEnd): Promise<boolean>;
  /** Gives the feed back as if the tick had not been, due at once; what the tick still wants to write is refused. */
  abandon(api: StripeApi, attempt: number): Promise<void>;
}

interface ScheduleRow extends Omit<FeedSchedule, 'state' | 'failure'> {
  readonly state: UpstreamState['state'] | null;
  readonly failure: string | null;
}

const COLUMNS = `due, lease_until as "leaseUntil", attempt, began, asked, asked_news as "askedNews", claimed, served, refreshed,
  state, failure`;
const UNASKED: FeedSchedule = {
  due: null,
  leaseUntil: null,
  attempt: 0,
  began: null,
  asked: 0,
  askedNews: 0,
  claimed: 0,
  served: 0,
  refreshed: null,
  state: 'READY',
  failure: null,
};
const MINE = 'account = ? and api = ?';
const IS_FREE = '(lease_until is null and due <= ? or lease_until <= ?)';

/** Of a feed that was never asked for anything: nothing is due. */
export async function readSchedule(asker: Asker, account: string, api: StripeApi): Promise<FeedSchedule> {
  const rows = await asker.query<ScheduleRow>(`select ${COLUMNS} from feeds where ${MINE}`, [account, api]);
  return rows[0] === undefined ? UNASKED : toSchedule(rows[0]);
}

/** Gives all feeds back, due at once: right only where no other process can be at them. */
export async function freeFeeds(engine: Engine): Promise<void> {
  await engine.query(
    'update feeds set lease_until = null, attempt = attempt + 1, due = ? where lease_until is not null',
    [engine.now()],
  );
}

export function openSchedule(engine: Engine, account: string): Schedule {
  async function finishIn(tx: Tx, api: StripeApi, attempt: number, end: TickEnd): Promise<boolean> {
    const { due, state, failure } = end;
    const feed = await readSchedule(tx, account, api);
    if (feed.attempt !== attempt || feed.leaseUntil === null) return false;
    // After a failure it is not asked again at once, whoever has asked meanwhile.
    const next = failure === null ? earlier(due, feed.asked > feed.claimed ? engine.now() : feed.due) : due;
    await tx.query(
      `update feeds set lease_until = null, served = ?, due = ?, state = ?, failure = ? where ${MINE}`,
      [
        failure === null ? feed.claimed : feed.served,
        next,
        state,
        failure === null ? null : JSON.stringify(failure),
        account,
        api,
      ],
    );
    tx.notify(feedTopic(account, api));
    return true;
  }

  return {
    get: (api) => readSchedule(engine, account, api),
    want: (api, wanted, freshMs) => want(engine, account, api, wanted, freshMs),
    async hasten(api, due) {
      await engine.tx(async (tx) => {
        const moved = await tx.query(
          `update feeds set due = ? where ${MINE} and (due is null or due > ?) returning api`,
          [due, account, api, due],
        );
        if (moved.length > 0) tx.notify(feedTopic(account, api));
      });
    },
    async claim(api, leaseMs) {
      const now = engine.now();
      const free = [account, api, now, now];
      const [row] = await engine.query<ScheduleRow>(
        `update feeds set lease_until = ?, attempt = attempt + 1, began = ?, claimed = asked, due = null
         where ${MINE} and ${IS_FREE} and api in (select api from feeds where ${MINE} and ${IS_FREE}${engine.skipLocked})
         returning ${COLUMNS}`,
        [now + leaseMs, now, ...free, ...free],
      );
      return row === undefined ? null : toSchedule(row);
    },
    async renew(api, attempt, leaseMs) {
      const rows = await engine.query(
        `update feeds set lease_until = ? where ${MINE} and attempt = ? and lease_until is not null returning api`,
        [engine.now() + leaseMs, account, api, attempt],
      );
      return rows.length > 0;
    },
    finish: (api, attempt, end) => engine.tx((tx) => finishIn(tx, api, attempt, end)),
    async abandon(api, attempt) {
      await engine.tx(async (tx) => {
        await tx.query(
          `update feeds set lease_until = null, attempt = attempt + 1, due = ? where ${MINE} and attempt = ?`,
          [engine.now(), account, api, attempt],
        );
        tx.notify(feedTopic(account, api));
      });
    },
  };
}

function earlier(a: number | null, b: number | null): number | null {
  return a === null || b === null ? (a ?? b) : Math.min(a, b);
}

function toSchedule({ state, failure, ...rest }: ScheduleRow): FeedSchedule {
  return {
    ...rest,
    state: state ?? 'READY',
    failure: failure === null ? null : (JSON.parse(failure) as FeedFailure),
  };
}
