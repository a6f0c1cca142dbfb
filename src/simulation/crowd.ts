import type { CreateReportRunRequest } from '../models/create-report-run.js';
import type { StripeApi } from '../models/report-run.js';
import { findRun } from '../sandbox/world.js';
import type { Clock } from '../watch/clock.js';
import type { Account } from './account.js';
import type { Load } from './scene.js';
import type { Upstream } from './upstream.js';

/** A run takes three minutes in the middle, five on average; one in a hundred takes half an hour ("most within a few minutes", Stripe docs). */
const MEDIAN_MS = 180_000;
const SIGMA = 1;
const LONGEST_MS = 3_600_000;
/** How long, ms, a webhook is on its way. */
const DELIVERY_MS = 300;
const MONTH = { start: Date.UTC(2025, 10, 1), end: Date.UTC(2025, 11, 1) };

export interface CrowdOptions {
  readonly load: Load;
  readonly upstream: Upstream;
  readonly clock: Clock;
  readonly random: () => number;
}

/** Those who start runs and follow them. */
export class Crowd {
  /** Ms from the end of a run upstream to each subscriber, as they come. */
  readonly delays: number[] = [];
  readonly #options: CrowdOptions;

  constructor(options: CrowdOptions) {
    this.#options = options;
  }

  /** Ms in which the runs are started that run at first: as fast as the account's limits allow, with some room. */
  get beginsWithin(): number {
    return Math.max(60_000, this.#options.load.runs * 300);
  }

  /** Starts an account's runs; each is followed by another one when it has ended, so that their number stays. */
  begin(account: Account): void {
    const { load, clock, random } = this.#options;
    for (const api of ['V1', 'V2'] as const) {
      for (let index = 0; index < load.runs; index += 1) {
        clock.after(this.beginsWithin * random(), () => void this.#start(account, api));
      }
    }
  }

  async #start(account: Account, api: StripeApi): Promise<void> {
    const { load, upstream, clock } = this.#options;
    if (api === 'V1' && load.spread > 1) this.#addEnded(account, load.spread - 1);
    const afterSeconds = this.#duration() / 1_000;
    upstream.control('POST', 'outcomes', { outcome: 'succeeded', api, afterSeconds });
    const { reportRun } = await account.watch.creates
      .create(requestOf(api), null)
      .catch(() => ({ reportRun: null }));
    const end = reportRun === null ? null : (findRun(upstream.world, reportRun.id)?.end ?? null);
    // Refused for now, by the limit: clients try again.
    const endsAt = end?.at ?? clock.now() + 1_000;
    clock.after(endsAt - clock.now(), () => void this.#start(account, api));
    if (reportRun === null) return;
    const { id } = reportRun;
    if (load.webhooks)
      clock.after(endsAt + DELIVERY_MS - clock.now(), () => void deliver(account, api, id, endsAt));
    for (let index = 0; index < load.subscribers; index += 1) void this.#subscribe(account, id, endsAt);
  }

  /** Runs of others, which have ended, among the account's own. */
  #addEnded({ name, mode }: Account, count: number): void {
    this.#options.upstream.control('POST', 'runs', { api: 'V1', count, account: name, mode });
  }

  async #subscribe(account: Account, id: string, endsAt: number): Promise<void> {
    const { clock, random } = this.#options;
    await clock.wait(1_000 * random());
    const updates = await account.watch.follow(id).catch(() => null);
    if (updates === null) return;
    for await (const run of updates) {
      if (!(run instanceof Error) && run.status !== 'RUNNING') this.delays.push(clock.now() - endsAt);
    }
  }

  /** Log-normal. */
  #duration(): number {
    const { random } = this.#options;
    const normal = Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());
    return Math.min(MEDIAN_MS * Math.exp(SIGMA * normal), LONGEST_MS);
  }
}

function deliver({ watch, mode }: Account, api: StripeApi, id: string, endedAt: number): Promise<void> {
  const subject = { kind: 'run', api, id, createdAt: null, endedAt, upstreamKey: null } as const;
  const type = api === 'V1' ? 'reporting.report_run.succeeded' : 'v2.reporting.report_run.succeeded';
  return watch.deliveries.take({
    id: `evt_${id}`,
    type,
    news: { account: null, livemode: mode === 'live', subject },
  });
}

function requestOf(api: StripeApi): CreateReportRunRequest {
  const { start, end } = MONTH;
  if (api === 'V1') {
    const parameters = { interval_start: start / 1_000, interval_end: end / 1_000 };
    return { api, reportType: 'balance.summary.1', parameters };
  }
  const iso = (at: number): string => new Date(at).toISOString();
  const parameters = { interval_start: iso(start), interval_end: iso(end) };
  return { api, report: 'report_balance_summary', parameters, compressFile: null };
}
