import type { StripeApi } from '../models/report-run.js';

/** The topic under which it is notified that something was asked of a feed, or that a tick of it has ended. */
export function feedTopic(account: string, api: StripeApi): string {
  return `feed:${account}:${api}`;
}

/** The topic on which the followers of a run hear that Stripe does not know it any more. */
export function goneTopic(account: string, id: string): string {
  return `gone:${account}:${id}`;
}

/** The topic on which the followers of a run hear that an instance follows it no more. */
export function leftTopic(account: string, id: string): string {
  return `left:${account}:${id}`;
}
