import type { Logger } from 'pino';
import type { Admission, RateRefusal, UpstreamCall } from '../datasources/admission.js';
import type { Buckets, DayUsage } from '../ledger/buckets.js';
import { LedgerError } from '../ledger/engine.js';
import { UpstreamError } from '../models/errors.js';
import type { Clock } from './clock.js';
import { MonthlyCap, monthOf } from './monthly-cap.js';
import { rankOf, refusedBucket, tokensFor } from './rate-limits.js';

/** How much longer, ms, a call waits where the ledger has not yet said whether it has its tokens. */
const LEDGER_GRACE_MS = 1_000;

export interface BudgetOptions {
  /** `<acct_id>:<live|test>`. */
  readonly account: string;
  readonly buckets: Buckets;
  /** After so many reads in a month (UTC) unwatched work slows down; null: never. */
  readonly monthlyReads: number | null;
  readonly clock: Clock;
  readonly log: Logger;
}

/** How much of Stripe's monthly allotment was used. */
export interface UpstreamUsage {
  /** By UTC, such as `2026-11`. */
  readonly month: string;
  readonly monthReads: number;
  /** Null where there is no cap. */
  readonly monthlyReads: number | null;
  /** Newest first. */
  readonly days: readonly DayUsage[];
}

interface Waiter {
  readonly call: UpstreamCall;
  /** Unix ms. */
  readonly since: number;
  readonly deadline: number;
  readonly resolve: () => void;
  readonly reject: (error: Error) => void;
  cancelTimer: () => void;
  /** Ms that it has to wait, by what the ledger said last; null while the ledger is asked. */
  wait: number | null;
}

/**
 * Lets requests to Stripe through as fast as the account's buckets in the ledger allow, which all processes share. The more important go
 * first, and of the same importance whoever came first. Tokens are taken for calls that wait right now, and for no others.
 */
export class Budget implements Admission {
  readonly #options: BudgetOptions;
  /** In the order they came. */
  readonly #waiting = new Set<Waiter>();
  #isTaking = false;
  #isAskedAgain = false;
  #cancelTimer: () => void = () => {};
  readonly #cap: MonthlyCap;
  #isStopped = false;

  constructor(options: BudgetOptions) {
    this.#options = options;
    this.#cap = new MonthlyCap(options.monthlyReads, options.log);
  }

  admit(call: UpstreamCall): Promise<void> {
    if (this.#isStopped && call.priority !== 'person') return Promise.reject(closing());
    const { clock } = this.#options;
    return new Promise((resolve, reject) => {
      const since = clock.now();
      const waiter: Waiter = {
        call,
        since,
        deadline: since + call.waitMs,
        resolve,
        reject,
        cancelTimer: clock.after(call.waitMs, () => this.#expire(waiter)),
        wait: null,
      };
      this.#waiting.add(waiter);
      this.#serve();
    });
  }

  async refused(call: UpstreamCall, refusal: RateRefusal): Promise<number> {
    const { buckets, log } = this.#options;
    const bucket = refusedBucket(call, refusal);
    if (bucket === null) return 0;
    try {
      const pauseMs = await buckets.pause(bucket, refusal.retryAfterMs ?? 0);
      log.warn({ bucket, reason: refusal.reason, pauseMs }, 'Stripe limits the rate of requests');
      return pauseMs;
    } catch (error) {
      log.error({ err: error, bucket }, 'a limit of Stripe could not be noted');
      return 0;
    }
  }

  async usage(): Promise<UpstreamUsage> {
    const { buckets, monthlyReads, clock } = this.#options;
    const days = await buckets.usage();
    const month = monthOf(clock.now());
    const monthReads = days
      .filter(({ day }) => day.startsWith(month))
      .reduce((sum, { reads }) => sum + reads, 0);
    return { month, monthReads, monthlyReads, days };
  }

  /** Sends away whatever no person waits for, from now on. */
  stop(): void {
    this.#isStopped = true;
    for (const waiter of this.#waiting) if (waiter.call.priority !== 'person') this.#end(waiter, closing());
  }

  #serve(): void {
    if (this.#isTaking) this.#isAskedAgain = true;
    else void this.#takeAll();
  }

  async #takeAll(): Promise<void> {
    this.#isTaking = true;
    do {
      this.#isAskedAgain = false;
      await this.#take();
    } while (this.#isAskedAgain);
    this.#isTaking = false;
    this.#cancelTimer();
    const waits = [...this.#waiting].map(({ wait }) => wait ?? 0);
    if (waits.length > 0) this.#cancelTimer = this.#options.clock.after(least(waits), () => this.#serve());
  }

  /** One transaction for all that wait. Never rejects. */
  async #take(): Promise<void> {
    const { buckets, account, clock } = this.#options;
    const now = clock.now();
    const ranked = [...this.#waiting].map((waiter) => ({
      waiter,
      rank: rankOf(waiter.call.priority, now - waiter.since),
    }));
    ranked.sort((a, b) => a.rank - b.rank);
    const isOverCap = this.#cap.isOver(now);
    for (const { waiter } of ranked) waiter.wait = null;
    if (ranked.length === 0) return;
    try {
      const asks = ranked.map(({ waiter, rank }) => tokensFor(account, waiter.call, rank, isOverCap));
      const { waits, month, monthReads } = await buckets.take(asks);
      for (const [index, { waiter }] of ranked.entries()) this.#answer(waiter, waits[index] ?? 0);
      this.#cap.note(month, monthReads);
    } catch (error) {
      const reason = error instanceof Error ? error : new Error(String(error));
      for (const { waiter } of ranked) this.#end(waiter, reason);
    }
  }

  #answer(waiter: Waiter, wait: number): void {
    if (!this.#waiting.has(waiter)) return;
    waiter.wait = wait;
    if (wait === 0) this.#end(waiter, null);
    else if (this.#options.clock.now() + wait > waiter.deadline) this.#end(waiter, usedUp(wait));
  }

  #expire(waiter: Waiter): void {
    const { clock } = this.#options;
    if (waiter.wait !== null) this.#end(waiter, usedUp(waiter.wait));
    else if (clock.now() < waiter.deadline + LEDGER_GRACE_MS)
      waiter.cancelTimer = clock.after(LEDGER_GRACE_MS, () => this.#expire(waiter));
    else this.#end(waiter, ledgerSilent());
  }

  #end(waiter: Waiter, error: Error | null): void {
    if (!this.#waiting.delete(waiter)) return;
    waiter.cancelTimer();
    if (error === null) waiter.resolve();
    else waiter.reject(error);
  }
}

function least(waits: readonly number[]): number {
  return waits.reduce((a, b) => Math.min(a, b));
}

function usedUp(wait: number): UpstreamError {
  const retryAfter = Math.max(1, Math.ceil(wait / 1000));
  return new UpstreamError(
    'rate_limited',
    `The requests that Stripe allows the gateway are used up for the moment. Try again in ${retryAfter} s.`,
    { effect: 'none', retryAfter },
  );
}

function closing(): UpstreamError {
  return new UpstreamError('unavailable', 'The gateway is shutting down.', { effect: 'none' });
}

function ledgerSilent(): LedgerError {
  return new LedgerError('The ledger did not say in time whether another request to Stripe is allowed.');
}
