import type { StripeV1 } from '../datasources/stripe-v1.js';
import type { Intent } from '../ledger/intents.js';
import type { Ledger } from '../ledger/ledger.js';
import type { JsonValue } from '../models/json.js';
import { isJsonObject } from '../models/json.js';
import type { ObservedRun } from '../models/report-run.js';

/** Stripe's clock may be behind ours by so much, ms. */
const CLOCK_SKEW_MS = 300_000;

/**
 * The v1 runs in Stripe's list, from five minutes before an intent on, that could be the one it asked for: the same type and
 * parameters, and owned by no other intent. Reads as many pages as it takes; throws UpstreamError.
 */
export async function findTwins(
  { v1, ledger }: { readonly v1: StripeV1; readonly ledger: Ledger },
  intent: Intent,
): Promise<readonly ObservedRun[]> {
  const { request } = intent;
  if (request.api !== 'V1') return [];
  const wanted = sameText(request.parameters);
  const twins: ObservedRun[] = [];
  let startingAfter: string | undefined;
  do {
    const createdFrom = intent.createdAt - CLOCK_SKEW_MS;
    const page = await v1.listRuns({
      createdFrom,
      ...(startingAfter === undefined ? {} : { startingAfter }),
    });
    for (const item of page.items) {
      if ('unreadable' in item) continue;
      const { reportTypeId, parameters } = item.run;
      if (reportTypeId !== request.reportType || sameText(parameters.raw) !== wanted) continue;
      if ((await ledger.intents.ownerOf(item.run.id)) === null) twins.push(item);
    }
    const last = page.items.at(-1);
    startingAfter =
      page.hasMore && last !== undefined ? ('unreadable' in last ? last.id : last.run.id) : undefined;
  } while (startingAfter !== undefined);
  return twins;
}

/** Parameters in one writing: keys in order, and scalars as the text that a form sends. */
function sameText(value: JsonValue): string {
  if (Array.isArray(value)) return JSON.stringify(value.map(sameText));
  if (!isJsonObject(value)) return String(value);
  const keys = Object.keys(value).sort();
  return JSON.stringify(keys.map((key) => [key, sameText(value[key] ?? null)]));
}
