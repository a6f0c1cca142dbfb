import { LRUCache } from 'lru-cache';
import type { StripeV1 } from '../datasources/stripe-v1.js';
import type { StripeV2 } from '../datasources/stripe-v2.js';
import type { Ledger } from '../ledger/ledger.js';
import type { KeptReportType } from '../ledger/report-types.js';
import { GatewayError, toGatewayError, UpstreamError } from '../models/errors.js';
import { apiOfReportTypeId } from '../models/ids.js';
import type { JsonObject } from '../models/json.js';
import type { StripeApi } from '../models/report-run.js';
import type { ReportType } from '../models/report-type.js';
import { READ_WAIT_MS } from './pace.js';
import { within } from './within.js';
import type { Clock } from './clock.js';

/** How long, ms, what was read of a type is good: Stripe moves the available data twice a day (Stripe docs, reports API). */
const TYPE_FRESH_MS = 600_000;
/** How long, ms, a failed read is not repeated: while Stripe hangs, not every reader must wait for it. */
const FAILURE_MS = 2_000;
/** How long, ms, it is remembered that Stripe does not know a v2 report. */
const NOT_FOUND_MS = 60_000;
/** How many reports that are not kept may be asked for in a second: somebody guessing must not use up the account's limit. */
const UNKNOWN_PER_SECOND = 10;
const SECOND = 1_000;
/** The most ids of which such things are remembered. */
const REMEMBERED_MAX = 10_000;
/** v1 has one list of all its types: whichever is asked for, that is what is read. */
const V1_LIST = 'V1';

export interface CatalogueOptions {
  readonly v1: StripeV1;
  readonly v2: StripeV2;
  readonly ledger: Ledger;
  /** Reads a kept body; null where it cannot be read. */
  readonly decode: (api: StripeApi, body: JsonObject) => ReportType | null;
  /** v2 reports to offer although no run has shown them; v2 has no list. */
  readonly v2Reports: readonly string[];
  readonly clock: Clock;
}

/** The report types of both APIs, kept in the ledger for ten minutes, and longer while Stripe is away. */
export class Catalogue {
  readonly #options: CatalogueOptions;
  readonly #underway = new Map<string, Promise<void>>();
  /** How many reports that were not kept clients have asked for, and since when (unix ms). */
  #unknown = { since: 0, count: 0 };
  /** What could not be read just now, and why: it is not tried again at once. */
  readonly #failures: LRUCache<string, { readonly error: unknown }>;
  /** What is not kept, of v1's list or as a v2 report, and known not to be there. */
  readonly #absent: LRUCache<string, true>;

  constructor(options: CatalogueOptions) {
    this.#options = options;
    const remembered = { max: REMEMBERED_MAX, perf: options.clock };
    this.#failures = new LRUCache({ ...remembered, ttl: FAILURE_MS });
    this.#absent = new LRUCache({ ...remembered, ttl: NOT_FOUND_MS });
  }

  /** Null where Stripe knows no such type. The id must be well formed. */
  async read(id: string): Promise<ReportType | null> {
    const api = apiOfReportTypeId(id);
    if (api === null) throw new TypeError(`expected the id of a report type, got ${JSON.stringify(id)}`);
    const get = () => this.#options.ledger.reportTypes.get(id);
    const kept =
      api === 'V1'
        ? await this.#fresh(V1_LIST, () => this.#readV1(), get)
        : await this.#fresh(id, () => this.#readUnknownV2(id), get);
    return kept === null ? null : this.#options.decode(api, kept.body);
  }

  /** One API's types, or both: an API that refuses the key is left out as long as the other answers. */
  async list(api: StripeApi | null): Promise<readonly ReportType[]> {
    if (api === 'V1') return this.#listV1();
    if (api === 'V2') return this.#listV2();
    const lists = await Promise.allSettled([this.#listV1(), this.#listV2()]);
    const failures = lists.flatMap((list) => (list.status === 'rejected' ? [list.reason as unknown] : []));
    const reason =
      failures.find((failure) => !isRefusal(failure)) ?? (failures.length === 2 ? failures[0] : null);
    if (reason !== null) throw reason;
    return lists.flatMap((list) => (list.status === 'fulfilled' ? list.value : []));
  }

  async #listV1(): Promise<readonly ReportType[]> {
    const { ledger, decode } = this.#options;
    const list = () => ledger.reportTypes.list('V1');
    await this.#fresh(
      V1_LIST,
      () => this.#readV1(),
      async () => (await list())[0] ?? null,
    );
    return (await list()).map(({ body }) => decode('V1', body)).filter((type) => type !== null);
  }

  async #listV2(): Promise<readonly ReportType[]> {
    const seen = await this.#options.ledger.runs.types('V2');
    const ids = [...new Set([...this.#options.v2Reports, ...seen])]
      .filter((id) => apiOfReportTypeId(id) === 'V2')
      .sort();
    const types: ReportType[] = [];
    for (const id of ids) {
      const get = () => this.#options.ledger.reportTypes.get(id);
      const kept = await this.#fresh(id, () => this.#readV2(id), get);
      const type = kept === null ? null : this.#options.decode('V2', kept.body);
      if (type !== null) types.push(type);
    }
    return types;
  }

  /** What is kept, after a refresh if it is too old; the old if the refresh fails and there is something. */
  async #fresh(
    name: string,
    refresh: () => Promise<void>,
    get: () => Promise<KeptReportType | null>,
  ): Promise<KeptReportType | null> {
    const kept = await get();
    if (kept !== null && this.#isFresh(kept)) return kept;
    if (kept === null && (await this.#isAbsent(name))) return null;
    const refreshed = this.#once(name, refresh);
    if (kept !== null) {
      // What is kept is better than a long wait; the refresh goes on.
      const ended = refreshed.catch(() => undefined);
      await within(this.#options.clock, READ_WAIT_MS, ended);
      return (await get()) ?? kept;
    }
    try {
      await refreshed;
    } catch (error) {
      throw error instanceof UpstreamError ? toGatewayError(error) : error;
    }
    return get();
  }

  /** Whether it is known that there is none; of v1's types, which are read all at once, not once these are out of date. */
  async #isAbsent(name: string): Promise<boolean> {
    if (!this.#absent.has(name)) return false;
    const [kept] = name === V1_LIST ? await this.#options.ledger.reportTypes.list('V1') : [];
    return !kept || this.#isFresh(kept);
  }

  #isFresh({ refreshed }: KeptReportType): boolean {
    return this.#options.clock.now() - refreshed < TYPE_FRESH_MS;
  }

  #once(name: string, work: () => Promise<void>): Promise<void> {
    const underway = this.#underway.get(name);
    if (underway !== undefined) return underway;
    const failure = this.#failures.get(name);
    if (failure !== undefined) return Promise.reject(failure.error);
    const started = work()
      .catch((error: unknown) => {
        this.#failures.set(name, { error });
        throw error;
      })
      .finally(() => this.#underway.delete(name));
    this.#underway.set(name, started);
    return started;
  }

  async #readV1(): Promise<void> {
    const { v1, ledger, clock } = this.#options;
    const askedAt = clock.now();
    const { items } = await v1.listReportTypes();
    const types = items.map(({ type, body }) => ({ id: type.id, body }));
    await ledger.reportTypes.put('V1', types, askedAt, { replaceAll: true });
    this.#absent.set(V1_LIST, true, { ttl: TYPE_FRESH_MS });
  }

  /** An id from a client, which nothing upstream has named: only so many are asked for in a second, whoever asks. */
  async #readUnknownV2(id: string): Promise<void> {
    const now = this.#options.clock.now();
    if (now - this.#unknown.since >= SECOND) this.#unknown = { since: now, count: 0 };
    this.#unknown.count += 1;
    if (this.#unknown.count <= UNKNOWN_PER_SECOND) return this.#readV2(id);
    throw new GatewayError(
      'UPSTREAM_RATE_LIMITED',
      `More than ${UNKNOWN_PER_SECOND} reports a second that the gateway does not know yet were asked for. Try again in 1 s.`,
      { retryAfter: 1 },
    );
  }

  async #readV2(id: string): Promise<void> {
    const { v2, ledger, clock } = this.#options;
    const askedAt = clock.now();
    try {
      const { body } = await v2.retrieveReport(id);
      await ledger.reportTypes.put('V2', [{ id, body }], askedAt);
    } catch (error) {
      // report_inaccessible: there is such a report, but not for this account (Stripe docs, reports v2 errors).
      const isNone =
        error instanceof UpstreamError &&
        (error.kind === 'not_found' || error.code === 'report_inaccessible');
      if (!isNone) throw error;
      this.#absent.set(id, true);
    }
  }
}

/** Whether the key may not use an API. */
function isRefusal(error: unknown): boolean {
  return error instanceof GatewayError && (error.code === 'FORBIDDEN' || error.code === 'UNAUTHENTICATED');
}
