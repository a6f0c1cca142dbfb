import type { Schedule } from '../ledger/schedule.js';
import type { StripeApi } from '../models/report-run.js';
import type { Clock } from './clock.js';

/** How long, ms, a feed is its holder's who does not say that it goes on: then another instance takes it over. */
export const LEASE_MS = 15_000;
/** How often, ms, a holder says so. */
const RENEW_MS = 5_000;

/**
 * Says every few seconds that this instance is still at its tick. Where that fails the lease runs out, and whoever takes the
 * feed over fences this tick off. Gives the function that ends it.
 */
export function keepLease(schedule: Schedule, clock: Clock, api: StripeApi, attempt: number): () => void {
  let isOver = false;
  let cancel = (): void => {};
  const renewLater = (): void => {
    cancel = clock.after(RENEW_MS, () => void renew());
  };
  const renew = async (): Promise<void> => {
    await schedule.renew(api, attempt, LEASE_MS).catch(() => false);
    if (!isOver) renewLater();
  };
  renewLater();
  return () => {
    isOver = true;
    cancel();
  };
}
