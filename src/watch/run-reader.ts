import { LRUCache } from 'lru-cache';
import type { StripeV1 } from '../datasources/stripe-v1.js';
import type { StripeV2 } from '../datasources/stripe-v2.js';
import type { Ledger } from '../ledger/ledger.js';
import type { LedgerRun } from '../ledger/runs.js';
import { GatewayError, toGatewayError, UpstreamError } from '../models/errors.js';
import { apiOfRunId } from '../models/ids.js';
import type { ReportRun, StripeApi } from '../models/report-run.js';
import type { Feed } from './feed.js';
import { FRESH_MS, READ_WAIT_MS } from './pace.js';
import type { Sightings } from './sightings.js';
import type { UpstreamStates } from './upstream-states.js';
import { within } from './within.js';
import type { Clock } from './clock.js';

/** How many ids that the ledger does not know one call asks Stripe for: somebody guessing must not use up the account's limit. */
const UNKNOWN_PER_CALL = 10;
/** How many running v2 runs one call refreshes; v2 can only be asked for one at a time. */
const V2_PER_CALL = 10;
/** How long, ms, it is remembered that Stripe does not know an id. */
const NOT_FOUND_MS = 60_000;
/** The most such ids that are remembered. */
const NOT_FOUND_MAX = 10_000;

export interface RunReaderOptions {
  readonly v1: StripeV1;
  readonly v2: StripeV2;
  readonly ledger: Ledger;
  readonly sightings: Sightings;
  readonly states: UpstreamStates;
  readonly feeds: Readonly<Record<StripeApi, Feed>>;
  readonly clock: Clock;
}

/** Reads single runs: from the ledger where they have ended or were just seen, else from Stripe, each once however many ask. */
export class RunReader {
  readonly #options: RunReaderOptions;
  readonly #underway = new Map<string, Promise<void>>();
  /** Ids that Stripe does not know. */
  readonly #notFound: LRUCache<string, true>;

  constructor(options: RunReaderOptions) {
    this.#options = options;
    this.#notFound = new LRUCache({ max: NOT_FOUND_MAX, ttl: NOT_FOUND_MS, perf: options.clock });
  }

  /** Per id the run, null where Stripe knows none, or the error. A known run is answered even while Stripe is away. */
  async read(ids: readonly string[]): Promise<readonly (ReportRun | null | Error)[]> {
    const known = await this.#options.ledger.runs.get(ids);
    const running = ids.filter((id) => known.get(id)?.status === 'RUNNING');
    const unknown = ids.filter((id) => (known.get(id)?.status ?? null) === null && !this.#notFound.has(id));
    const failures = new Map<string, Error>();
    await Promise.all([
      this.#refresh(running.flatMap((id) => known.get(id) ?? [])),
      ...unknown
        .slice(0, UNKNOWN_PER_CALL)
        .map((id) => this.#retrieve(id).catch((error: unknown) => failures.set(id, asError(error)))),
    ]);
    for (const id of unknown.slice(UNKNOWN_PER_CALL)) failures.set(id, tooManyUnknown());
    const found = await this.#options.ledger.runs.get(ids);
    return ids.map((id) => failures.get(id) ?? answerOf(found.get(id)));
  }

  /** Brings running runs up to date, waiting 2 s at most; what fails is left as the ledger has it. */
  async refresh(ids: readonly string[]): Promise<void> {
    const known = await this.#options.ledger.runs.get(ids);
    await this.#refresh([...known.values()]);
  }

  async #refresh(runs: readonly LedgerRun[]): Promise<void> {
    const fresh = this.#options.clock.now() - FRESH_MS;
    const stale = runs.filter(({ seen }) => (seen ?? 0) < fresh).map(({ id }) => id);
    const v1 = stale.filter((id) => apiOfRunId(id) === 'V1');
    const v2 = stale.filter((id) => apiOfRunId(id) === 'V2').slice(0, V2_PER_CALL);
    const work = v2.map((id) => this.#retrieve(id).catch(() => {}));
    // Through the feed also for a single one: many callers who ask for one run each share the next page of the list.
    if (v1.length > 0) work.push(this.#options.feeds.V1.ask({ ids: v1 }));
    if (work.length > 0) await within(this.#options.clock, READ_WAIT_MS, Promise.all(work));
  }

  /** Reads one run from Stripe into the ledger. Whoever asks for the same one meanwhile shares the answer. */
  #retrieve(id: string): Promise<void> {
    const underway = this.#underway.get(id);
    if (underway !== undefined) return underway;
    const work = this.#retrieveNow(id).finally(() => this.#underway.delete(id));
    this.#underway.set(id, work);
    return work;
  }

  async #retrieveNow(id: string): Promise<void> {
    const { v1, v2, ledger, sightings, states, clock } = this.#options;
    const api = apiOfRunId(id);
    if (api === null) throw new TypeError(`expected the id of a run, got ${JSON.stringify(id)}`);
    const askedAt = clock.now();
    try {
      const items = [await (api === 'V1' ? v1 : v2).retrieveRun(id)];
      sightings.saw({ items, requestId: null }, await ledger.runs.observe(items, { askedAt }));
      states.answered(api);
    } catch (error) {
      const kind = error instanceof UpstreamError ? error.kind : null;
      // What Stripe says of one run says nothing about the API.
      if (kind !== 'not_found' && kind !== 'invalid' && kind !== 'contract') states.failed(api, error);
      if (kind !== 'not_found') throw error;
      this.#notFound.set(id, true);
    }
  }

  /** A run that was just created is there, whatever was said of its id before. */
  forgetMissing(id: string): void {
    this.#notFound.delete(id);
  }
}

function answerOf(kept: LedgerRun | undefined): ReportRun | null | Error {
  if (kept?.run) return kept.run;
  if (kept?.unreadableReason == null) return null;
  return new GatewayError(
    'UPSTREAM_CONTRACT',
    `Stripe's answer for ${kept.id} cannot be read: ${kept.unreadableReason}`,
  );
}

function asError(error: unknown): Error {
  if (error instanceof UpstreamError) return toGatewayError(error);
  return error instanceof Error ? error : new Error(String(error));
}

function tooManyUnknown(): GatewayError {
  return new GatewayError(
    'UPSTREAM_RATE_LIMITED',
    `A request may ask for at most ${UNKNOWN_PER_CALL} runs that the gateway does not know yet; ask for the others in another request.`,
    { retryAfter: 1 },
  );
}
