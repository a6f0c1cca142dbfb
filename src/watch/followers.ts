import type { Logger } from 'pino';
import type { FollowedRuns } from '../ledger/followed-runs.js';
import { apiOfRunId } from '../models/ids.js';
import type { StripeApi } from '../models/report-run.js';
import type { Clock } from './clock.js';

/** How long, ms, a run counts as watched whose followers do not say that they go on: their instance may have died. */
const WATCHED_MS = 60_000;
/** How often, ms, they say so. */
const RENEW_MS = 25_000;

export interface FollowersOptions {
  readonly runs: Pick<FollowedRuns, 'watch' | 'unwatch'>;
  readonly log: Logger;
  readonly clock: Clock;
  /** Called when it is written that runs of an API are watched that were not, or not from here. */
  readonly onWatched: (api: StripeApi) => void;
}

/** Which runs somebody follows in this instance, counted; the ledger tells all instances. Only these set the pace of their feed. */
export class Followers {
  readonly #options: FollowersOptions;
  readonly #counts = new Map<string, number>();
  /** Runs whose first follower has come, or whose last has gone, since it was last written. */
  readonly #changed = new Set<string>();
  #writing: Promise<void> | null = null;
  #cancel: (() => void) | null = null;
  #closed = false;

  constructor(options: FollowersOptions) {
    this.#options = options;
  }

  /** Follows a run until the returned function is called; calling it again does nothing. */
  add(id: string): () => void {
    const count = this.#counts.get(id) ?? 0;
    this.#counts.set(id, count + 1);
    if (count === 0) this.#change(id);
    let following = true;
    return () => {
      if (!following) return;
      following = false;
      const left = (this.#counts.get(id) ?? 0) - 1;
      if (left > 0) {
        this.#counts.set(id, left);
        return;
      }
      this.#counts.delete(id);
      this.#change(id);
    };
  }

  /** Another instance follows these no more: those that are followed here are still watched. */
  left(id: string): void {
    if (this.#counts.has(id)) this.#change(id);
  }

  /** Resolves when it is written that nobody here follows anything. */
  async close(): Promise<void> {
    this.#closed = true;
    this.#cancel?.();
    await this.#writing;
  }

  #change(id: string): void {
    this.#changed.add(id);
    this.#writing ??= this.#write().finally(() => {
      this.#writing = null;
    });
  }

  /** Many come and go in the same moment: what comes up during one writing goes into the next. */
  async #write(): Promise<void> {
    await Promise.resolve();
    while (this.#changed.size > 0) {
      const ids = [...this.#changed];
      this.#changed.clear();
      const gone = ids.filter((id) => !this.#counts.has(id));
      const come = ids.filter((id) => this.#counts.has(id));
      await this.#tell(async () => {
        if (gone.length > 0) await this.#options.runs.unwatch(gone);
        if (come.length > 0) await this.#watch(come);
      });
      for (const api of new Set(come.map(apiOfRunId))) if (api !== null) this.#options.onWatched(api);
    }
    this.#renew();
  }

  #watch(ids: readonly string[]): Promise<void> {
    return this.#options.runs.watch(ids, this.#options.clock.now() + WATCHED_MS);
  }

  /** Says again and again that they are watched, as long as there are any. */
  #renew(): void {
    if (this.#cancel !== null || this.#counts.size === 0 || this.#closed) return;
    this.#cancel = this.#options.clock.after(RENEW_MS, () => void this.#goOn());
  }

  async #goOn(): Promise<void> {
    await this.#tell(() => this.#watch([...this.#counts.keys()]));
    this.#cancel = null;
    this.#renew();
  }

  /** Never rejects: whoever follows is told of changes in any case, only later. */
  async #tell(work: () => Promise<void>): Promise<void> {
    try {
      await work();
    } catch (error) {
      this.#options.log.error({ err: error }, 'it could not be noted which runs are followed');
    }
  }
}
