import { ApiError } from './errors.js';
import type { Mode } from './run.js';

export interface Limiter {
  /** Counts a request, or throws the 429 that refuses it. A refused request does not count. */
  take(account: string, mode: Mode, endpoint: string): void;
}

const PER_ENDPOINT = 25;
/** Of the Files API, reads. */
const FILES = 20;
const PER_ACCOUNT = { test: 25, live: 100 } as const;
const WINDOW_MS = 1000;

/** Requests a second by Stripe's published limits, in a window that slides. */
export function createLimiter(now: () => number): Limiter {
  const windows = new Map<string, number[]>();

  /** The times of the requests that still count. */
  function recent(name: string, at: number): number[] {
    const times = windows.get(name) ?? [];
    while (times[0] !== undefined && times[0] <= at - WINDOW_MS) times.shift();
    windows.set(name, times);
    return times;
  }

  return {
    take(account, mode, endpoint) {
      const at = now();
      const all = recent(`${account}:${mode}`, at);
      const some = recent(`${account}:${mode} ${endpoint}`, at);
      if (some.length >= (endpoint === 'files' ? FILES : PER_ENDPOINT)) throw tooMany('endpoint-rate');
      if (all.length >= PER_ACCOUNT[mode]) throw tooMany('global-rate');
      all.push(at);
      some.push(at);
    },
  };
}

function tooMany(reason: 'endpoint-rate' | 'global-rate'): ApiError {
  const message =
    'Request rate limit exceeded. Learn more about rate limits: https://docs.stripe.com/rate-limits.';
  return new ApiError(
    429,
    { code: 'rate_limit', message, type: 'invalid_request_error' },
    { 'stripe-rate-limited-reason': reason },
  );
}
