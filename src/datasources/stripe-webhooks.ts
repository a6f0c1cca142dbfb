import { Stripe } from 'stripe';
import { apiOfRunId } from '../models/ids.js';
import { isJsonObject, type JsonObject } from '../models/json.js';
import type { StripeApi } from '../models/report-run.js';
import {
  DecodeError,
  describe,
  parseJson,
  readObject,
  readText,
  requireFlag,
  requireInstant,
  requireText,
} from './decode.js';
import { decodeEvent } from './stripe-v2-events.js';

/** That something happened, as Stripe has told it. What the run or the report type is like now has to be read. */
export interface WebhookEvent {
  readonly id: string;
  /** Such as `reporting.report_run.succeeded`. */
  readonly type: string;
  /** Null where the gateway has no use for the type. */
  readonly news: WebhookNews | null;
}

/** Where it happened, and to what. */
export interface WebhookNews {
  /** `acct_…`, where it is another account than the destination's own. */
  readonly account: string | null;
  readonly livemode: boolean;
  readonly subject: WebhookRun | { readonly kind: 'report_types_v1' };
}

/** Times are unix ms; null where the event does not tell. */
export interface WebhookRun {
  readonly kind: 'run';
  readonly api: StripeApi;
  readonly id: string;
  readonly createdAt: number | null;
  readonly endedAt: number | null;
  /** The idempotency key that the run was created under, where the event tells. */
  readonly upstreamKey: string | null;
}

/** Reads what was posted: the body as it came and its `Stripe-Signature`. What is not Stripe's is refused, with a sentence. */
export type WebhookReader = (
  body: Uint8Array,
  signature: string | null,
) => WebhookEvent | { readonly refused: string };

/** How far the signature's time may be off, in seconds; the SDK's default. */
const TOLERANCE_S = 300;

/** @param secrets Any of them may have signed: each destination has its own, and while one is exchanged it has two. */
export function createWebhookReader(options: {
  readonly secrets: readonly string[];
  /** Unix ms. */
  readonly now: () => number;
}): WebhookReader {
  return (body, signature) => {
    const text = decodeText(body);
    if (text === null) return { refused: 'The body must be UTF-8 text.' };
    const problem = problemOfSignature(text, signature, options.secrets, options.now());
    if (problem !== null) return { refused: problem };
    const event = parseJson(text);
    if (!isJsonObject(event)) return { refused: 'The body must be a JSON object.' };
    try {
      return readEvent(event);
    } catch (error) {
      if (!(error instanceof DecodeError)) throw error;
      return { refused: `The event cannot be read: ${error.message}.` };
    }
  };
}

function problemOfSignature(
  text: string,
  signature: string | null,
  secrets: readonly string[],
  now: number,
): string | null {
  if (signature === null) return 'There is no Stripe-Signature header.';
  const times = signature.split(',').filter((part) => part.startsWith('t='));
  const second = Number(/^t=(\d{1,12})$/.exec(times[0] ?? '')?.[1] ?? Number.NaN);
  if (times.length !== 1 || Number.isNaN(second))
    return 'The Stripe-Signature header must have one time, t=<unix seconds>.';
  // The SDK looks at the age alone: a signature of next year would be good until then.
  const age = Math.floor(now / 1000) - second;
  if (Math.abs(age) > TOLERANCE_S) {
    const off = age > 0 ? `${age} s old` : `${-age} s in the future`;
    return `The signature is ${off}; at most ${TOLERANCE_S} s are accepted.`;
  }
  return secrets.some((secret) => isSigned(text, signature, secret, now))
    ? null
    : 'The signature was not made with any of the secrets in STRIPE_WEBHOOK_SECRETS.';
}

function isSigned(text: string, header: string, secret: string, now: number): boolean {
  const { signature } = Stripe.webhooks;
  if (signature === null) throw new TypeError('The SDK has no means to check signatures.');
  try {
    return signature.verifyHeader(text, header, secret, TOLERANCE_S, undefined, now);
  } catch (error) {
    if (error instanceof Stripe.errors.StripeSignatureVerificationError) return false;
    throw error;
  }
}

/** `object` says which of the two payloads it is. */
function readEvent(event: JsonObject): WebhookEvent {
  const object = event['object'];
  if (object === 'event') return readSnapshot(event);
  if (object === 'v2.core.event') return readThin(event);
  throw new DecodeError(`expected object to be "event" or "v2.core.event", got ${describe(object)}`);
}

/** v1. Its `data.object` is left alone but for the id: it is as old as the delivery, and deliveries overtake each other. */
function readSnapshot(event: JsonObject): WebhookEvent {
  const known = { id: requireText(event, 'id'), type: requireText(event, 'type') };
  const place = () => ({ account: readText(event['account']), livemode: requireFlag(event, 'livemode') });
  switch (known.type) {
    case 'reporting.report_run.succeeded':
    case 'reporting.report_run.failed': {
      const id = requireText(readObject(readObject(event['data'])?.['object']) ?? {}, 'id');
      if (apiOfRunId(id) !== 'V1') throw new DecodeError(`expected the id of a v1 run, got ${describe(id)}`);
      const endedAt = requireInstant(event, 'created');
      const run = { kind: 'run', api: 'V1', id, createdAt: null, endedAt, upstreamKey: null } as const;
      return { ...known, news: { ...place(), subject: run } };
    }
    case 'reporting.report_type.updated':
      return { ...known, news: { ...place(), subject: { kind: 'report_types_v1' } } };
    default:
      return { ...known, news: null };
  }
}

const THIN_RUN = /^v2\.reporting\.report_run\.(created|updated|succeeded|failed)$/;

/** v2. `context` is where it happened: an account, or the way to one, such as `acct_platform/acct_connected`. */
function readThin(event: JsonObject): WebhookEvent {
  const known = { id: requireText(event, 'id'), type: requireText(event, 'type') };
  const word = THIN_RUN.exec(known.type)?.[1];
  if (word === undefined) return { ...known, news: null };
  const { runId, createdAt, idempotencyKey } = decodeEvent(event);
  const isCreated = word === 'created';
  const isEnd = word === 'succeeded' || word === 'failed';
  return {
    ...known,
    news: {
      account: readText(event['context'])?.split('/').at(-1) ?? null,
      livemode: requireFlag(event, 'livemode'),
      subject: {
        kind: 'run',
        api: 'V2',
        id: runId,
        createdAt: isCreated ? createdAt : null,
        endedAt: isEnd ? createdAt : null,
        upstreamKey: isCreated ? idempotencyKey : null,
      },
    },
  };
}

/** Null where the bytes are no text. Exactly these bytes: what a lenient decoder replaced could not be told from what was signed. */
function decodeText(body: Uint8Array): string | null {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(body);
  } catch {
    return null;
  }
}
