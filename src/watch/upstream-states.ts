import type { FeedFailure, FeedSchedule } from '../ledger/schedule.js';
import { UpstreamError } from '../models/errors.js';
import type { StripeApi } from '../models/report-run.js';
import type { UpstreamState } from '../models/upstream-state.js';
import { stateAfter } from './tick-end.js';

/** How each API answered last: as the schedule that all instances share has it, and what was seen here since. */
export class UpstreamStates {
  readonly #states: Record<StripeApi, UpstreamState> = {
    V1: { state: 'READY', asOf: null },
    V2: { state: 'READY', asOf: null },
  };
  readonly #errors: Record<StripeApi, UpstreamError | null> = { V1: null, V2: null };
  readonly #answers: Record<StripeApi, number> = { V1: 0, V2: 0 };
  /** The last tick whose end is known here. */
  readonly #ticks: Record<StripeApi, number> = { V1: 0, V2: 0 };

  get(): Readonly<Record<StripeApi, UpstreamState>> {
    return { ...this.#states };
  }

  /** The last failure; null while the API answers. */
  lastError(api: StripeApi): UpstreamError | null {
    return this.#errors[api];
  }

  /** How often the API has answered: whether it has since a moment ago. */
  answers(api: StripeApi): number {
    return this.#answers[api];
  }

  /** Takes over how the ticks ended, in whichever instance. */
  update(api: StripeApi, { attempt, leaseUntil, refreshed, state, failure }: FeedSchedule): void {
    const asOf = Math.max(refreshed ?? 0, this.#states[api].asOf ?? 0) || null;
    const ended = leaseUntil === null ? attempt : attempt - 1;
    if (ended <= this.#ticks[api]) {
      this.#states[api] = { ...this.#states[api], asOf };
      return;
    }
    this.#ticks[api] = ended;
    this.#states[api] = { state, asOf };
    this.#errors[api] = errorOf(failure);
    if (failure === null) this.#answers[api] += 1;
  }

  /** Notes that a reader waited in vain. A refusal came, and so stands. */
  slow(api: StripeApi): void {
    if (this.#states[api].state === 'READY') this.#states[api] = { ...this.#states[api], state: 'DOWN' };
  }

  /** Notes an answer. */
  answered(api: StripeApi): void {
    this.#states[api] = { ...this.#states[api], state: 'READY' };
    this.#errors[api] = null;
    this.#answers[api] += 1;
  }

  /** Notes a failure of the API as a whole, not of one object. */
  failed(api: StripeApi, error: unknown): void {
    const state = stateAfter(error);
    if (state === null || !(error instanceof UpstreamError)) return;
    this.#states[api] = { ...this.#states[api], state };
    this.#errors[api] = error;
  }
}

function errorOf(failure: FeedFailure | null): UpstreamError | null {
  if (failure?.kind == null) return null;
  return new UpstreamError(failure.kind, failure.message, failure.details);
}
