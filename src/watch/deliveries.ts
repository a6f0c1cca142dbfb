import type { Logger } from 'pino';
import type { WebhookEvent, WebhookNews, WebhookRun } from '../datasources/stripe-webhooks.js';
import type { Ledger } from '../ledger/ledger.js';
import type { StripeApi } from '../models/report-run.js';
import type { Feed } from './feed.js';

/** The most other accounts that are remembered as logged. */
const FOREIGN_MAX = 1_000;

export interface DeliveriesOptions {
  /** `<acct_id>:<live|test>`. */
  readonly account: string;
  readonly ledger: Ledger;
  readonly feeds: Readonly<Record<StripeApi, Feed>>;
  readonly log: Logger;
}

/**
 * What an event that Stripe has delivered does: it asks a feed to look, or notes an id that is to be read. What it says of the run is
 * not believed, so that deliveries may come late, twice, in any order or not at all.
 */
export class Deliveries {
  readonly #options: DeliveriesOptions;
  readonly #foreign = new Set<string>();

  constructor(options: DeliveriesOptions) {
    this.#options = options;
  }

  /** Resolves when the ledger has what is to be done, before Stripe is asked anything; rejects where the ledger cannot be written. */
  async take({ id, type, news }: WebhookEvent): Promise<void> {
    const { ledger, log } = this.#options;
    log.debug({ event: id, type }, 'a webhook came');
    if (news === null || !this.#isOurs(news)) return;
    if (news.subject.kind === 'run') return this.#look(news.subject);
    await ledger.reportTypes.outdate('V1');
  }

  async #look({ kind: _kind, api, ...note }: WebhookRun): Promise<void> {
    const { ledger, feeds } = this.#options;
    const { id } = note;
    await ledger.runs.note(api, [note]);
    const status = (await ledger.runs.get([id])).get(id)?.status ?? null;
    // The ends come twice from v2, and whatever is delivered may come again.
    if (status === 'SUCCEEDED' || status === 'FAILED') return;
    await feeds[api].want({ ids: [id] });
  }

  /** A destination may be told of connected accounts, and a secret may be that of the other mode. */
  #isOurs({ account, livemode }: WebhookNews): boolean {
    const [ourId, ourMode] = this.#options.account.split(':');
    const mode = livemode ? 'live' : 'test';
    if (mode === ourMode && (account === null || account === ourId)) return true;
    const name = `${account ?? ourId}:${mode}`;
    if (!this.#foreign.has(name) && this.#foreign.size < FOREIGN_MAX) {
      this.#foreign.add(name);
      this.#options.log.warn(
        { account: name },
        'webhooks of another account or mode come in; they are ignored',
      );
    }
    return false;
  }
}
