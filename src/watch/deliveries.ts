import type { Logger } from 'pino';
import type { WebhookEvent, WebhookNews, WebhookRun } from '../datasources/stripe-webhooks.js';
import type { Ledger } from '../ledger/ledger.js';
import type { RunNote } from '../ledger/runs.js';
import type { ReportRunStatus, StripeApi } from '../models/report-run.js';
import type { Feed } from './feed.js';

/** The most other accounts that are remembered as logged. */
const FOREIGN_MAX = 1_000;

export interface DeliveriesOptions {
  /** `<acct_id>:<live|test>`. */
  readonly account: string;
  readonly ledger: Pick<Ledger, 'runs' | 'reportTypes'>;
  readonly feeds: Readonly<Record<StripeApi, Pick<Feed, 'want'>>>;
  readonly log: Logger;
}

/** What was told of one API's runs and is to be written together. */
interface Gathered {
  readonly notes: RunNote[];
  readonly kept: Promise<void>;
}

/**
 * What an event that Stripe has delivered does: it asks a feed to look, or notes an id that is to be read. What it says of the run is
 * not believed, so that deliveries may come late, twice, in any order or not at all.
 */
export class Deliveries {
  readonly #options: DeliveriesOptions;
  readonly #foreign = new Set<string>();
  readonly #next = new Map<StripeApi, Gathered>();
  readonly #writing = new Map<StripeApi, Promise<unknown>>();

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

  /** Many runs may end in the same moment: what comes in while others are written goes into the next transaction together. */
  #look({ kind: _kind, api, ...note }: WebhookRun): Promise<void> {
    const gathered = this.#next.get(api) ?? this.#gather(api);
    gathered.notes.push(note);
    return gathered.kept;
  }

  #gather(api: StripeApi): Gathered {
    const notes: RunNote[] = [];
    const before = this.#writing.get(api) ?? Promise.resolve();
    const kept = before.then(() => {
      this.#next.delete(api);
      return this.#keep(api, notes);
    });
    this.#writing.set(
      api,
      kept.catch(() => undefined),
    );
    const gathered = { notes, kept };
    this.#next.set(api, gathered);
    return gathered;
  }

  async #keep(api: StripeApi, notes: readonly RunNote[]): Promise<void> {
    const { ledger, feeds } = this.#options;
    await ledger.runs.note(api, notes);
    const ids = [...new Set(notes.map(({ id }) => id))];
    const known = await ledger.runs.get(ids);
    // The ends come twice from v2, and whatever is delivered may come again.
    const open = ids.filter((id) => !hasEnded(known.get(id)?.status ?? null));
    if (open.length > 0) await feeds[api].want({ ids: open });
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

function hasEnded(status: ReportRunStatus | null): boolean {
  return status === 'SUCCEEDED' || status === 'FAILED';
}
