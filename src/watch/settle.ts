import type { StripeV1 } from '../datasources/stripe-v1.js';
import type { StripeV2 } from '../datasources/stripe-v2.js';
import type { Intent } from '../ledger/intent-rows.js';
import type { Ledger } from '../ledger/ledger.js';
import type { CreateReportRunRequest } from '../models/create-report-run.js';
import { isJsonObject, type JsonObject, type JsonValue } from '../models/json.js';
import { idOfItem, type ObservedRun, type UnreadableRun } from '../models/report-run.js';
import type { RunPosition } from '../models/run-page.js';
import { endOf } from './marks-v1.js';

/** Stripe's clock may be behind ours by so much, ms. */
export const CLOCK_SKEW_MS = 300_000;
/** More open intents than this are not compared with each other. */
const OPEN_MAX = 10_000;

/** What an upstream key that gives no run any more has left behind. */
export type Trace =
  | { readonly kind: 'run'; readonly observed: ObservedRun | UnreadableRun }
  /** There is no run. */
  | { readonly kind: 'none' }
  /** Another open intent for the same has to be asked first, since its key still tells which run is its own. */
  | { readonly kind: 'early' }
  | { readonly kind: 'unclear'; readonly reason: string };

export interface SettleOptions {
  readonly v1: StripeV1;
  readonly v2: StripeV2;
  readonly ledger: Ledger;
}

type CreateV1 = CreateReportRunRequest & { readonly api: 'V1' };

/**
 * Looks for the run that an intent's lost POST may have left behind. Throws UpstreamError where Stripe cannot be asked. Two
 * intents that are settled at the same time may be told the same run: only one of them can adopt it.
 */
export function traceOf(options: SettleOptions, intent: Intent): Promise<Trace> {
  const { request } = intent;
  return request.api === 'V1' ? traceInList(options, intent, request) : traceInEvents(options, intent);
}

/** v1: a run of the same type and parameters, from five minutes before the intent on, that no other intent owns. */
async function traceInList(
  options: SettleOptions,
  { key, createdAt }: Intent,
  wanted: CreateV1,
): Promise<Trace> {
  const { ledger } = options;
  const { same, doubtful } = await listAlike(options, createdAt - CLOCK_SKEW_MS, wanted);
  const text = requestText(wanted.reportType, wanted.parameters);
  // The open intents before the owners: what is finished in between then counts twice rather than not at all.
  const open = await ledger.intents.list(['pending'], OPEN_MAX);
  const rivals = open.filter(
    ({ request, ...other }) =>
      other.key !== key &&
      request.api === 'V1' &&
      requestText(request.reportType, request.parameters) === text,
  );
  const free = await withoutOwner(ledger, same);
  // The oldest: an intent made later could not have that one, but any of the others.
  const observed = free.at(-1);
  if (observed === undefined) {
    const [doubt] = await withoutOwner(ledger, doubtful);
    if (doubt === undefined) return { kind: 'none' };
    return { kind: 'unclear', reason: `the run ${idOfItem(doubt)} could be the one that was asked for` };
  }
  if (rivals.some(({ spentAt }) => spentAt === null)) return { kind: 'early' };
  // Intents that asked for the same may have any of the runs: only one that nobody here asked for makes it unclear.
  if (free.length <= rivals.length + 1) return { kind: 'run', observed };
  return { kind: 'unclear', reason: `${free.length} runs could be the one that was asked for` };
}

/** The runs that no intent has been given. */
async function withoutOwner<Item extends ObservedRun | UnreadableRun>(
  { intents }: Ledger,
  items: readonly Item[],
): Promise<readonly Item[]> {
  const free: Item[] = [];
  for (const item of items) if ((await intents.ownerOf(idOfItem(item))) === null) free.push(item);
  return free;
}

/** What Stripe's list has that could be the run, newest first. */
interface Alike {
  /** The same request. */
  readonly same: readonly ObservedRun[];
  /** Runs that cannot be read, or that have all that was asked for and more. */
  readonly doubtful: readonly (ObservedRun | UnreadableRun)[];
}

async function listAlike({ v1 }: SettleOptions, createdFrom: number, wanted: CreateV1): Promise<Alike> {
  const text = requestText(wanted.reportType, wanted.parameters);
  const same: ObservedRun[] = [];
  const doubtful: (ObservedRun | UnreadableRun)[] = [];
  let end: RunPosition | null = null;
  for (;;) {
    const page = await v1.listRuns({ createdFrom, ...(end === null ? {} : { startingAfter: end.id }) });
    for (const item of page.items) {
      if ('unreadable' in item) doubtful.push(item);
      else if (requestText(item.run.reportTypeId, item.run.parameters.raw) === text) same.push(item);
      else if (hasMore(item.run, wanted)) doubtful.push(item);
    }
    if (!page.hasMore) return { same, doubtful };
    end = endOf(page, end);
  }
}

/** Whether a run has every parameter that was asked for beside others: Stripe may have added what it takes by default. */
function hasMore(run: ObservedRun['run'], { reportType, parameters }: CreateV1): boolean {
  if (run.reportTypeId !== reportType) return false;
  return Object.entries(parameters).every(([name, value]) => {
    const had = run.parameters.raw[name];
    return had !== undefined && sameText(had) === sameText(value);
  });
}

/** v2 has no list, but the event of a run's creation names the key it was created under. */
async function traceInEvents({ v2 }: SettleOptions, { upstreamKey, keyedAt }: Intent): Promise<Trace> {
  let page: string | null = null;
  do {
    const answer = await v2.listEvents({ createdFrom: keyedAt - CLOCK_SKEW_MS, page });
    const created = answer.events.find(({ idempotencyKey }) => idempotencyKey === upstreamKey);
    if (created !== undefined) return { kind: 'run', observed: await v2.retrieveRun(created.runId) };
    page = answer.nextPage;
  } while (page !== null);
  return { kind: 'unclear', reason: 'Stripe has forgotten the idempotency key and no event names it' };
}

/** A request in one writing: keys in order, and scalars as the text that a form sends. */
function requestText(reportType: string, parameters: JsonObject): string {
  return JSON.stringify([reportType, sameText(parameters)]);
}

/** A value in one writing: keys in order, and scalars as the text that a form sends. */
export function sameText(value: JsonValue): string {
  if (Array.isArray(value)) return JSON.stringify(value.map(sameText));
  if (typeof value === 'string') return value;
  if (!isJsonObject(value)) return JSON.stringify(value);
  const keys = Object.keys(value).sort();
  return JSON.stringify(keys.map((key) => [key, sameText(value[key] ?? null)]));
}
