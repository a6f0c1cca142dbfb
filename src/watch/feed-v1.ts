import type { StripeV1 } from '../datasources/stripe-v1.js';
import type { Ledger } from '../ledger/ledger.js';
import type { FollowedRun } from '../ledger/followed-runs.js';
import type { FeedSchedule } from '../ledger/schedule.js';
import type { Backfill } from './backfill.js';
import { CoverV1 } from './cover-v1.js';
import type { FeedTick } from './feed.js';
import { isAsked, priorityOf, type RunningRuns } from './running-runs.js';
import type { Sightings } from './sightings.js';
import type { SpareTime } from './spare-time.js';
import type { StretchV1 } from './stretch-v1.js';
import { Unread } from './unread.js';
import type { Clock } from './clock.js';

/** How many calls a tick makes for those who asked: nobody waits for more, and what is left has its turn in the sweep. */
const CALLS_ASKED = 30;
/** How many calls a tick makes that nobody waits for: then those who do get their turn. */
const CALLS_PER_TICK = 10;
/** So many of these are kept for runs that are older than the youngest. */
const CALLS_FOR_OLD = 5;
/** Ms since its creation in which a run goes before the others: it is looked at more often than they are. */
const YOUNG_MS = 60_000;
/** Ms for each call of such a tick until the next one: where running runs lie far apart, their pace is what their cost allows. */
const CALL_MS = 200;

export interface FeedV1Options {
  readonly v1: StripeV1;
  readonly ledger: Ledger;
  readonly stretch: StretchV1;
  readonly backfill: Backfill;
  readonly sightings: Sightings;
  readonly running: RunningRuns;
  readonly spare: SpareTime;
  readonly clock: Clock;
}

/** v1 is followed by its list: one page shows the state of 100 neighbours. */
export class FeedV1 implements FeedTick {
  readonly #options: FeedV1Options;
  readonly #unread: Unread;
  readonly #cover: CoverV1;
  /** When the sweep over the running runs began that is under way, unix ms: what was seen since has had its turn. */
  #sweep: number | null = null;
  /** Before this instant, unix ms, there is no tick that nobody asks for. */
  #restUntil = 0;

  constructor(options: FeedV1Options) {
    this.#options = options;
    this.#unread = new Unread({ ...options, api: 'V1', source: options.v1 });
    this.#cover = new CoverV1({ ...options, unread: this.#unread });
  }

  /** Where somebody asked, what was asked for and nothing else, so that nobody waits for the rest; the rest is due right after. */
  async tick(claim: FeedSchedule): Promise<void> {
    const { stretch, running, backfill } = this.#options;
    if (claim.askedNews > claim.served) await stretch.refresh(claim.attempt);
    await this.#unread.read(claim, []);
    const due = await running.due('V1', claim);
    if (claim.claimed === claim.served) {
      await this.#sweepOn(due, claim);
      await backfill.step();
      return;
    }
    const asked = due.filter((run) => isAsked(run, claim));
    await this.#cover.cover(asked, CALLS_ASKED, 'person');
  }

  async pause(): Promise<number | null> {
    const { running, backfill, clock } = this.#options;
    const pauses = [await running.pause('V1'), await this.#unread.pause(), await backfill.pause()];
    const due = pauses.filter((pause) => pause !== null);
    return due.length === 0 ? null : Math.max(0, Math.min(...due), this.#restUntil - clock.now());
  }

  /**
   * Looks at those that are due: first at young ones, then newest first; where they are too many, at some of them in each tick until
   * each has had its turn.
   */
  async #sweepOn(due: readonly FollowedRun[], claim: FeedSchedule): Promise<void> {
    const { spare, clock } = this.#options;
    const began = clock.now();
    this.#sweep ??= began;
    const sweep = this.#sweep;
    const isWaitedFor = (run: FollowedRun): boolean => priorityOf(run, claim, began) !== 'rest';
    const waited = due.filter(isWaitedFor);
    const isYoung = ({ createdAt }: FollowedRun): boolean => began - createdAt < YOUNG_MS;
    const young = await this.#cover.cover(waited.filter(isYoung), CALLS_PER_TICK - CALLS_FOR_OLD, 'watched');
    const left = due.filter((run) => run.seen < sweep && !young.shown.has(run.id));
    const old = await this.#cover.cover(left.filter(isWaitedFor), CALLS_PER_TICK - young.calls, 'watched');
    const calls = young.calls + old.calls;
    const rest = left.filter((run) => !isWaitedFor(run) && !old.shown.has(run.id));
    const others = await spare.run('rest', () => this.#cover.cover(rest, CALLS_PER_TICK - calls, 'rest'));
    if (old.isWhole && (others === null || others.isWhole)) this.#sweep = null;
    this.#restUntil = began + (calls + (others?.calls ?? 0)) * CALL_MS;
  }
}
