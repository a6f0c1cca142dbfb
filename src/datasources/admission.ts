/** Who a request to Stripe is for: somebody who waits for the answer, a run that is watched, or whatever has time. */
export type Priority = 'person' | 'watched' | 'rest';

/** A request to Stripe that is about to be sent. */
export interface UpstreamCall {
  /** What Stripe limits by itself, such as `GET /v1/reporting/report_runs/:id`; `files` stands for the contents of files. */
  readonly endpoint: string;
  /** Whether it counts as a read: Stripe allots reads by the month (Stripe docs, rate limits). */
  readonly isRead: boolean;
  readonly priority: Priority;
  /** How long it may wait for its turn, ms. */
  readonly waitMs: number;
}

/** What Stripe said with a 429. */
export interface RateRefusal {
  /** `Stripe-Rate-Limited-Reason`, such as `global-rate`; null where it is absent, as it is where a lock is the reason. */
  readonly reason: string | null;
  /** Stripe's code, such as `lock_timeout`. */
  readonly code: string | null;
  /** `Retry-After` in ms; null where it is absent. */
  readonly retryAfterMs: number | null;
}

/** Who says when a request may be sent, so that the account stays within Stripe's limits. */
export interface Admission {
  /**
   * Resolves when the call may be sent: every attempt needs one. Rejects with an UpstreamError (`rate_limited` with `retryAfter`, no
   * effect) where its turn does not come in time, and with another error where that cannot be found out.
   */
  admit(call: UpstreamCall): Promise<void>;
  /** Notes a 429. Gives the ms for which such calls are held back from now on, 0 where they are not. Never rejects. */
  refused(call: UpstreamCall, refusal: RateRefusal): Promise<number>;
}

/** Where nobody holds any call back. */
export const FREE: Admission = { admit: () => Promise.resolve(), refused: () => Promise.resolve(0) };

/** The endpoint of a path that begins with /v1/ or /v2/: the id that a collection is followed by makes no difference. */
export function endpointOf(method: 'GET' | 'POST', path: string): string {
  const [plain = ''] = path.split('?');
  const segments = plain.split('/').map((segment, index) => (index === 4 ? ':id' : segment));
  return `${method} ${segments.join('/')}`;
}
