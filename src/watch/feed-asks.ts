import type { Schedule } from '../ledger/schedule.js';
import type { StripeApi } from '../models/report-run.js';

/** What somebody asks of a feed. */
export interface FeedAsk {
  readonly ids?: Iterable<string>;
  readonly news?: boolean;
}

interface Gathered {
  readonly ids: Set<string>;
  news: boolean;
  readonly noted: Promise<number | null>;
}

/** Writes asks down: what comes in while one is being written goes into the next together, however many they are. */
export class FeedAsks {
  readonly #schedule: Schedule;
  readonly #api: StripeApi;
  /** By how fresh a read must be, ms; null: begun after the ask. */
  readonly #next = new Map<number | null, Gathered>();
  #writing: Promise<unknown> = Promise.resolve();

  constructor(schedule: Schedule, api: StripeApi) {
    this.#schedule = schedule;
    this.#api = api;
  }

  /** The number of the ask when it is committed; null where nothing had to be asked. */
  note({ ids = [], news = false }: FeedAsk, freshMs: number | null): Promise<number | null> {
    const gathered = this.#next.get(freshMs) ?? this.#gather(freshMs);
    for (const id of ids) gathered.ids.add(id);
    if (news) gathered.news = true;
    return gathered.noted;
  }

  #gather(freshMs: number | null): Gathered {
    const ids = new Set<string>();
    const noted = this.#writing.then(() => {
      this.#next.delete(freshMs);
      return this.#schedule.want(this.#api, { ids: [...ids], news: gathered.news }, freshMs ?? undefined);
    });
    this.#writing = noted.catch(() => undefined);
    const gathered: Gathered = { ids, news: false, noted };
    this.#next.set(freshMs, gathered);
    return gathered;
  }
}
