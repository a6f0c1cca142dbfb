import { LRUCache } from 'lru-cache';
import type { Ledger } from '../ledger/ledger.js';
import type { ReportRun, RunOutlook } from '../models/report-run.js';
import type { Clock } from './clock.js';

/** How many of a type's latest successes are looked at, and how many of them must be known to say anything. */
const SAMPLE = { most: 50, least: 5 };
/** Of the runs of a type, so many have ended by `expectedAt`. */
const TYPICAL = 0.75;
/** A run is stalled at three times what all but one in twenty runs of its type took, and not before ten minutes (ms). */
const STALLED = { share: 0.95, times: 3, leastMs: 600_000 };
/** Where too few runs of the type are known, ms: most of Stripe's reports take minutes (Stripe docs, reports API). */
const STALLED_UNKNOWN_MS = 3 * 3_600_000;
/** How long, ms, what was learned of a type is good. */
const LEARNED_MS = 60_000;
/** The most types of which it is remembered. */
const TYPES_MAX = 1_000;

/** How long runs of a type take, ms. */
interface Learned {
  readonly typical: number | null;
  readonly stalled: number;
}

/** When running runs should end, learned from how long earlier ones of their report type took. */
export class Outlooks {
  readonly #ledger: Pick<Ledger, 'durations'>;
  readonly #clock: Clock;
  readonly #learned: LRUCache<string, Promise<Learned>>;

  constructor({ ledger, clock }: { ledger: Pick<Ledger, 'durations'>; clock: Clock }) {
    this.#ledger = ledger;
    this.#clock = clock;
    this.#learned = new LRUCache({ max: TYPES_MAX, ttl: LEARNED_MS, ttlResolution: 0, perf: clock });
  }

  /** Asks the ledger once a minute for each report type, however many runs are shown. */
  async of({ status, createdAt, reportTypeId }: ReportRun): Promise<RunOutlook> {
    if (status !== 'RUNNING') return { expectedAt: null, isStalled: false };
    const { typical, stalled } = await this.#learn(reportTypeId);
    return {
      expectedAt: typical === null ? null : createdAt + typical,
      isStalled: this.#clock.now() - createdAt > stalled,
    };
  }

  #learn(type: string): Promise<Learned> {
    const known = this.#learned.get(type);
    if (known !== undefined) return known;
    const learning = this.#ledger.durations(type, SAMPLE.most).then(learn);
    this.#learned.set(type, learning);
    // What could not be read is read again for the next run that is shown.
    learning.catch(() => this.#learned.delete(type));
    return learning;
  }
}

function learn(durations: readonly number[]): Learned {
  if (durations.length < SAMPLE.least) return { typical: null, stalled: STALLED_UNKNOWN_MS };
  const sorted = [...durations].sort((a, b) => a - b);
  const stalled = Math.max(STALLED.times * quantile(sorted, STALLED.share), STALLED.leastMs);
  return { typical: quantile(sorted, TYPICAL), stalled };
}

/** The least value that so large a share of all does not exceed. */
function quantile(sorted: readonly number[], share: number): number {
  return sorted[Math.ceil(sorted.length * share) - 1] ?? 0;
}
