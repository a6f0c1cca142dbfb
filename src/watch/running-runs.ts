import type { Priority } from '../datasources/admission.js';
import type { FollowedRun, FollowedRuns } from '../ledger/followed-runs.js';
import type { FeedSchedule } from '../ledger/schedule.js';
import type { StripeApi } from '../models/report-run.js';
import type { Clock } from './clock.js';
import { jittered, unwatchedPause, watchedPace, watchedPause } from './pace.js';
import type { SpareTime } from './spare-time.js';

/** How long, ms, a run is looked for once a second that an event says has ended. */
const ENDING_MS = 600_000;
const SECOND = 1_000;
/** The least pause, ms. */
const LEAST_MS = 100;

export interface RunningRunsOptions {
  readonly runs: FollowedRuns;
  readonly clock: Clock;
  readonly random: () => number;
  readonly spare: SpareTime;
  /** Whether Stripe tells the gateway of ends by webhooks. */
  readonly webhooks: boolean;
}

/** Which running runs are due for a look, and how long there is until the next one is. The ledger knows who is watched, and where. */
export class RunningRuns {
  readonly #options: RunningRunsOptions;

  constructor(options: RunningRunsOptions) {
    this.#options = options;
  }

  /** Newest first: those asked for, those watched whose pause is over, and those nobody has looked at for theirs. */
  async due(api: StripeApi, claim: FeedSchedule): Promise<readonly FollowedRun[]> {
    const { runs, clock, webhooks, spare } = this.#options;
    const now = clock.now();
    const running = await runs.followed(api);
    const pace = watchedPace(webhooks);
    return running.filter((run) => {
      if (run.seen >= (claim.began ?? now)) return false;
      if (isAsked(run, claim) || isEnding(run, now)) return true;
      if (run.watchedUntil <= now && spare.pause > 0) return false;
      const age = now - run.createdAt;
      const rest = run.watchedUntil > now ? watchedPause(age, pace) : unwatchedPause(age, () => 0);
      // Nearly over is over: the next tick may be a long time off.
      return now - run.seen >= rest * 0.9;
    });
  }

  /** Who waits for what a tick learns of the API as a whole. */
  async urgency(api: StripeApi, claim: FeedSchedule): Promise<Priority> {
    if (claim.claimed > claim.served) return 'person';
    const { runs, webhooks } = this.#options;
    const { watched, ending } = await runs.pace(api, watchedPace(webhooks));
    return watched === null && ending === null ? 'rest' : 'watched';
  }

  /** Ms until the next look; null where nothing runs. */
  async pause(api: StripeApi): Promise<number | null> {
    const { runs, clock, webhooks, random, spare } = this.#options;
    const pace = watchedPace(webhooks);
    const { watched, watchedDue, ending, unwatched } = await runs.pace(api, pace);
    const now = clock.now();
    const pauses: number[] = [];
    if (ending !== null && now - ending < ENDING_MS) pauses.push(SECOND);
    if (api === 'V1' && watchedDue !== null) pauses.push(Math.max(LEAST_MS, watchedDue - now));
    // A tick of v2 looks at events first, which tell of every run: the youngest sets the pace.
    if (api === 'V2' && watched !== null) pauses.push(jittered(watchedPause(now - watched, pace), random));
    if (unwatched !== null) pauses.push(Math.max(SECOND, spare.pause, unwatched - now) * (1 + random() / 10));
    return pauses.length === 0 ? null : Math.round(Math.min(...pauses));
  }
}

/** Who waits for a look at a running run. */
export function priorityOf(run: FollowedRun, claim: FeedSchedule, now: number): Priority {
  if (isAsked(run, claim)) return 'person';
  return run.watchedUntil > now || isEnding(run, now) ? 'watched' : 'rest';
}

/** Whether a tick has taken up an ask for the run. */
export function isAsked(run: FollowedRun, { served, claimed }: FeedSchedule): boolean {
  return run.asked > served && run.asked <= claimed;
}

/** Whether an event has said that the run ended, and no read since has had much time to show it. */
export function isEnding({ endedAt, seen }: FollowedRun, now: number): boolean {
  return endedAt > 0 && endedAt <= now && (endedAt > seen || now - endedAt < ENDING_MS);
}
