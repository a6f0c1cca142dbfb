import { UpstreamError } from '../models/errors.js';
import type { StripeApi } from '../models/report-run.js';
import type { UpstreamState } from '../models/upstream-state.js';

/** How each API answered last. */
export class UpstreamStates {
  readonly #states: Record<StripeApi, UpstreamState> = {
    V1: { state: 'READY', asOf: null },
    V2: { state: 'READY', asOf: null },
  };
  readonly #errors: Record<StripeApi, UpstreamError | null> = { V1: null, V2: null };
  readonly #answers: Record<StripeApi, number> = { V1: 0, V2: 0 };

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

  /** Notes that a reader waited in vain. A refusal came, and so stands. */
  slow(api: StripeApi): void {
    if (this.#states[api].state === 'READY') this.#states[api] = { ...this.#states[api], state: 'DOWN' };
  }

  /** Notes an answer. `asOf`: when a read of all that is new began, unix ms; null if it was a lesser one. */
  answered(api: StripeApi, asOf: number | null): void {
    this.#states[api] = { state: 'READY', asOf: asOf ?? this.#states[api].asOf };
    this.#errors[api] = null;
    this.#answers[api] += 1;
  }

  /** Notes a failure of the API as a whole, not of one object. */
  failed(api: StripeApi, error: unknown): void {
    if (!(error instanceof UpstreamError)) return;
    const refused = error.kind === 'unauthenticated' || error.kind === 'forbidden';
    this.#states[api] = { state: refused ? 'UNAVAILABLE' : 'DOWN', asOf: this.#states[api].asOf };
    this.#errors[api] = error;
  }
}
