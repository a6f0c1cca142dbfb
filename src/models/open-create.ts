import type { StripeApi } from './report-run.js';

/** A create that is not settled, as an operator sees it. Times are unix ms. */
export interface OpenCreate {
  /** The caller's idempotency key, or one made for it. */
  readonly key: string;
  /** pending: the gateway is finishing it. unknown: it cannot, and leaves it to the operator. */
  readonly state: 'pending' | 'unknown';
  readonly api: StripeApi;
  readonly reportType: string;
  readonly createdAt: number;
  /** How often it was taken up again. */
  readonly attempt: number;
  /** When it is taken up again; null for one that is left to the operator. */
  readonly due: number | null;
  /** What the last attempt ended with. */
  readonly error: string | null;
}
