import type { Ledger } from '../ledger/ledger.js';
import { letsThrough } from '../ledger/run-filter.js';
import { goneTopic } from '../ledger/topics.js';
import type { StripeApi } from '../models/report-run.js';
import type { RunFilter, RunPosition } from '../models/run-page.js';
import type { Clock } from './clock.js';
import type { Followers } from './followers.js';
import type { NewsWatch } from './news-watch.js';
import { RETRY_MS, type RunLog } from './run-log.js';
import type { Wakes } from './wakes.js';

/** How many running runs are read from the ledger at once. */
const PAGE = 1_000;
const APIS: readonly StripeApi[] = ['V1', 'V2'];

export interface WatchedFiltersOptions {
  readonly account: string;
  readonly ledger: Pick<Ledger, 'runs'>;
  readonly runLog: RunLog;
  readonly followers: Pick<Followers, 'add'>;
  readonly news: NewsWatch;
  readonly wakes: Wakes;
  readonly clock: Clock;
}

/** Which runs somebody follows by a filter, by id, with what ends it. */
type Following = Map<string, () => void>;

/** Keeps the running runs that pass a filter watched, and has new ones looked for: once for all who give the same filter. */
export class WatchedFilters {
  readonly #options: WatchedFiltersOptions;
  readonly #watches = new Map<string, { count: number; readonly over: AbortController }>();

  constructor(options: WatchedFiltersOptions) {
    this.#options = options;
  }

  /** Watches until the returned function is called. Which states the filter lets through does not count. */
  add(filter: RunFilter): () => void {
    const key = keyOf(filter);
    const known = this.#watches.get(key);
    const watch = known ?? { count: 0, over: new AbortController() };
    watch.count += 1;
    if (known === undefined) {
      this.#watches.set(key, watch);
      void this.#watch(filter, watch.over.signal);
    }
    return () => {
      watch.count -= 1;
      if (watch.count > 0) return;
      this.#watches.delete(key);
      watch.over.abort();
    };
  }

  async #watch(filter: RunFilter, over: AbortSignal): Promise<void> {
    const { runLog, news, clock } = this.#options;
    const mayHaveNew = filter.createdBefore === undefined || filter.createdBefore > clock.now();
    const apis = APIS.filter((api) => mayHaveNew && (filter.api ?? api) === api);
    const stopNews = apis.map((api) => news.add(api));
    const running: RunFilter = { ...filter, status: ['RUNNING'] };
    const following: Following = new Map();
    let place: number | null = null;
    while (place === null && !over.aborted) {
      place = await this.#followRunning(filter, following).catch(() => null);
      if (place === null) await clock.wait(RETRY_MS);
    }
    await runLog.readOn(place ?? 0, over, ({ id, run }) => {
      if (run?.status !== 'RUNNING') release(following, id);
      else if (letsThrough(running, run)) this.#follow(following, id);
    });
    for (const end of [...stopNews, ...following.values()]) end();
  }

  /** Follows what runs now. Gives the place in the log from which what changes meanwhile is read. */
  async #followRunning(filter: RunFilter, following: Following): Promise<number> {
    const { ledger, runLog } = this.#options;
    const place = await runLog.head();
    let from: RunPosition | null = null;
    while (true) {
      const running = await ledger.runs.runningIn(filter, from, null, PAGE);
      for (const { id } of running) this.#follow(following, id);
      from = running.at(-1) ?? null;
      if (from === null || running.length < PAGE) return place;
    }
  }

  #follow(following: Following, id: string): void {
    if (following.has(id)) return;
    const { account, followers, wakes } = this.#options;
    const ends = [
      followers.add(id),
      // Stripe has said for so long that there is no such run that looking often would not find it.
      wakes.on(goneTopic(account, id), () => release(following, id)),
    ];
    following.set(id, () => {
      for (const end of ends) end();
    });
  }
}

function release(following: Following, id: string): void {
  following.get(id)?.();
  following.delete(id);
}

/** The same text for filters that let the same runs through. */
function keyOf({ api, reportType, createdFrom, createdBefore }: RunFilter): string {
  const types = reportType === undefined ? null : [...new Set(reportType)].sort();
  return JSON.stringify([api ?? null, types, createdFrom ?? null, createdBefore ?? null]);
}
