import type { Priority, RateRefusal, UpstreamCall } from '../datasources/admission.js';
import type { Bucket, TokenAsk } from '../ledger/buckets.js';

/**
 * What the gateway allows itself. Stripe allows 25 requests a second in test mode and 100 in live mode, 25 for each endpoint and 20
 * for files (Stripe docs, rate limits): capacity and rate together stay below that, with room for requests that overtake each other.
 */
const ACCOUNT: Readonly<Record<'test' | 'live', Bucket>> = {
  test: { name: 'account', perSecond: 15, capacity: 8 },
  live: { name: 'account', perSecond: 60, capacity: 30 },
};
const ENDPOINT = { perSecond: 20, capacity: 4 };
const FILES: Bucket = { name: 'files', perSecond: 15, capacity: 4 };

/** What is left for unwatched work when the month's reads have passed what was configured: one a minute. */
const TRICKLE: Bucket = { name: 'trickle', perSecond: 1 / 60, capacity: 1 };

/** The most important first. */
const PRIORITIES: readonly Priority[] = ['person', 'watched', 'rest'];

/** By rank, the part of a full bucket that has to stay for whoever is more important. */
const LEFT = [0, 0.25, 0.5];

/** After so long a wait, ms, a call counts as one of the next higher priority, so that none waits in vain for ever. */
const PROMOTED_AFTER_MS = 1_000;

/** 0 for a person's call, 1 for a watched run's, 2 for the rest; less after a long wait. */
export function rankOf(priority: Priority, waitedMs: number): number {
  return Math.max(0, PRIORITIES.indexOf(priority) - Math.floor(waitedMs / PROMOTED_AFTER_MS));
}

/** The tokens that a call takes. `isOverCap`: the month's reads have passed the cap. */
export function tokensFor(account: string, call: UpstreamCall, rank: number, isOverCap: boolean): TokenAsk {
  const buckets = [accountBucket(account), endpointBucket(call.endpoint)];
  const from = buckets.map((bucket) => ({ bucket, leave: bucket.capacity * (LEFT[rank] ?? 0) }));
  const isSlowed = isOverCap && call.priority === 'rest';
  return { from: isSlowed ? [...from, { bucket: TRICKLE, leave: 0 }] : from, isRead: call.isRead };
}

/** The bucket that a 429 speaks of; null where it is about a lock, one object, or how many runs there are at once. */
export function refusedBucket(call: UpstreamCall, { reason, code }: RateRefusal): string | null {
  if (code === 'lock_timeout' || code === 'report_run_rate_limit_exceeded') return null;
  if (reason === 'resource-specific') return null;
  return reason?.startsWith('global-') ? ACCOUNT.test.name : endpointBucket(call.endpoint).name;
}

/** `account` is `<acct_id>:<live|test>`. */
function accountBucket(account: string): Bucket {
  return ACCOUNT[account.endsWith(':live') ? 'live' : 'test'];
}

function endpointBucket(endpoint: string): Bucket {
  return endpoint === FILES.name ? FILES : { name: endpoint, ...ENDPOINT };
}
