import type { FeedFailure, FeedSchedule, TickEnd } from '../ledger/schedule.js';
import { UpstreamError } from '../models/errors.js';
import type { UpstreamState } from '../models/upstream-state.js';
import { FRESH_MS, failurePause, REFUSED_MS } from './pace.js';

/** After a tick that brought what it was asked for. `pause`: ms until the next one is due by itself; null: when asked. */
export function goodEnd(now: number, pause: number | null): TickEnd {
  return { due: pause === null ? null : now + pause, state: 'READY', failure: null };
}

/**
 * After a tick that failed. What was asked for stays asked for, and is tried again ever less often; but where the key may not use
 * the API asking again will not change that, so it is left to the next reader.
 */
export function badEnd(
  claim: FeedSchedule,
  error: unknown,
  { now, pause, random }: { now: number; pause: number | null; random: () => number },
): TickEnd {
  const times = (claim.failure?.times ?? 0) + 1;
  const refused = isRefusal(error);
  const quietUntil = now + (refused ? REFUSED_MS : FRESH_MS);
  const retry = Math.max(quietUntil, now + failurePause(times, random));
  const isOwed = !refused && claim.claimed > claim.served;
  const due = isOwed ? retry : pause === null ? null : Math.max(retry, now + pause);
  const message = error instanceof Error ? error.message : String(error);
  const failure = { message, ...detailsOf(error), times, quietUntil };
  return { due, state: stateAfter(error) ?? claim.state, failure };
}

/** What a failure says of the API as a whole; null: nothing. Whoever is asked too often is not away. */
export function stateAfter(error: unknown): UpstreamState['state'] | null {
  if (!(error instanceof UpstreamError) || error.kind === 'rate_limited') return null;
  return isRefusal(error) ? 'UNAVAILABLE' : 'DOWN';
}

function detailsOf(error: unknown): Pick<FeedFailure, 'kind' | 'details'> {
  if (!(error instanceof UpstreamError)) return { kind: null, details: {} };
  const { kind, status, requestId, code, param, effect, replayed, retryAfter } = error;
  return { kind, details: { status, requestId, code, param, effect, replayed, retryAfter } };
}

/** Whether the key may not do this. */
function isRefusal(error: unknown): boolean {
  return error instanceof UpstreamError && (error.kind === 'unauthenticated' || error.kind === 'forbidden');
}
