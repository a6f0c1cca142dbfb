import type { Ledger } from '../ledger/ledger.js';
import type { StripeApi } from '../models/report-run.js';
import type { Clock } from './clock.js';

/** How old, ms, what is known of new runs may become while somebody watches for them. */
const NEWS_MS = 10_000;
/** The same where webhooks tell of new runs, which v2's alone do. */
const TOLD_MS = 60_000;
/** How often, ms, that is looked at. */
const CHECK_MS = 5_000;

export interface NewsWatchOptions {
  readonly ledger: Pick<Ledger, 'feeds'>;
  /** Has an API's feed look for new runs; resolves when it has. */
  readonly askForNews: (api: StripeApi) => Promise<void>;
  readonly clock: Clock;
  /** Whether Stripe tells this gateway by webhooks. */
  readonly webhooks: boolean;
}

/**
 * Has new runs looked for while somebody waits for them. Every process of the account sees in the ledger when that was last done,
 * by whichever of them and for whatever reason: so it costs the same however many wait, and nothing where lists are read anyway.
 */
export class NewsWatch {
  readonly #options: NewsWatchOptions;
  readonly #waiting = new Map<StripeApi, { count: number; cancel: () => void }>();

  constructor(options: NewsWatchOptions) {
    this.#options = options;
  }

  /** Watches for new runs of an API until the returned function is called. */
  add(api: StripeApi): () => void {
    const waiting = this.#waiting.get(api) ?? { count: 0, cancel: () => {} };
    this.#waiting.set(api, waiting);
    waiting.count += 1;
    if (waiting.count === 1) void this.#check(api, waiting);
    return () => {
      waiting.count -= 1;
      if (waiting.count > 0) return;
      waiting.cancel();
      this.#waiting.delete(api);
    };
  }

  async #check(api: StripeApi, waiting: { count: number; cancel: () => void }): Promise<void> {
    const { ledger, askForNews, clock, webhooks } = this.#options;
    const mayBeOld = webhooks && api === 'V2' ? TOLD_MS : NEWS_MS;
    try {
      const { refreshed } = await ledger.feeds.get(api);
      if (waiting.count > 0 && clock.now() - (refreshed ?? 0) >= mayBeOld) await askForNews(api);
    } catch {
      // The ledger cannot be read: there is nobody to tell, and the next look comes.
    }
    if (waiting.count > 0) waiting.cancel = clock.after(CHECK_MS, () => void this.#check(api, waiting));
  }
}
