import { UpstreamError, type UpstreamErrorDetails, type UpstreamErrorKind } from '../models/errors.js';
import type { JsonObject, JsonValue } from '../models/json.js';
import type { RateRefusal } from './admission.js';
import { parseJson, readObject, readText } from './decode.js';
import { WireAnswer, WireFailure } from './http-client.js';
import { scrub } from './scrub.js';

/** What of an answer every failure carries on. */
export function answerDetails(answer: WireAnswer): UpstreamErrorDetails {
  return {
    status: answer.status,
    requestId: plainWord(answer.headers['request-id']),
    replayed: answer.headers['idempotent-replayed'] === 'true',
  };
}

/** The failure inside whatever the SDK threw, or null if it is neither an answer nor a broken connection. */
export function findFailure(error: unknown): WireAnswer | WireFailure | null {
  if (error instanceof WireAnswer || error instanceof WireFailure) return error;
  if (typeof error !== 'object' || error === null) return null;
  if ('exception' in error && error.exception !== undefined) return findFailure(error.exception);
  return 'detail' in error ? findFailure(error.detail) : null;
}

export function failureOfConnection(failure: WireFailure): UpstreamError {
  const kind = failure.reason === 'too_large' ? 'contract' : 'unavailable';
  const effect = failure.reason === 'unsent' ? 'none' : 'unknown';
  const { status } = failure;
  const requestId = plainWord(failure.requestId);
  return new UpstreamError(kind, `Stripe ${failure.message}.`, { status, requestId, effect });
}

/** Statuses that Stripe gives before it does anything. 409 is not one: the first request may be under way. */
const WITHOUT_EFFECT = new Set([400, 401, 403, 404, 429]);

/** The error for an answer of status 400 or more. `path` decides between the APIs; it is not shown. */
export function failureOfAnswer(answer: WireAnswer, path: string, apiKey: string): UpstreamError {
  const details = answerDetails(answer);
  const { status } = answer;
  const error = stripeErrorOf(answer.text);
  if (status >= 500 || status === 408) {
    const code = plainWord(error?.['code']);
    return new UpstreamError('unavailable', `Stripe could not answer (HTTP ${status}).`, {
      ...details,
      code,
    });
  }
  if (error === null && status !== 429) {
    const message = `Stripe's API promises a JSON error with HTTP ${status}; what came is none.`;
    return new UpstreamError('contract', message, details);
  }
  const kind = path.startsWith('/v2/') && isNoAccess(status, error) ? 'forbidden' : kindOf(status);
  return new UpstreamError(kind, messageOf(kind, status, error, apiKey), {
    ...details,
    code: plainWord(error?.['code']) ?? codeBesides(status, error),
    param: plainWord(error?.['param']),
    effect: error !== null && WITHOUT_EFFECT.has(status) ? 'none' : 'unknown',
  });
}

/** What a 429 says about the rate. */
export function refusalOf({ headers }: Pick<WireAnswer, 'headers'>, error: UpstreamError): RateRefusal {
  const seconds = headers['retry-after'] ?? '';
  return {
    reason: plainWord(headers['stripe-rate-limited-reason']),
    code: error.code,
    retryAfterMs: /^\d{1,6}$/.test(seconds) ? Number(seconds) * 1000 : null,
  };
}

/**
 * The error of a 429 with when to try again; `pauseMs` is for how long such calls are held back. How long another run takes,
 * where too many are in progress, nobody knows.
 */
export function withRetryAfter(error: UpstreamError, pauseMs: number): UpstreamError {
  const { kind, status, requestId, code, param, effect, replayed } = error;
  if (code === 'report_run_rate_limit_exceeded') return error;
  const retryAfter = Math.max(1, Math.ceil(pauseMs / 1000));
  const message = pauseMs > 0 ? `${error.message} Try again in ${retryAfter} s.` : error.message;
  const details = { status, requestId, code, param, effect, replayed, retryAfter };
  return new UpstreamError(kind, message, details);
}

/** `{"error": {…}}` with something to go by; null for a proxy's page, another JSON or nothing. */
function stripeErrorOf(text: string): JsonObject | null {
  const error = readObject(readObject(parseJson(text))?.['error']);
  const known = error !== null && ['type', 'code', 'message'].some((key) => readText(error[key]) !== null);
  return known ? error : null;
}

function kindOf(status: number): UpstreamErrorKind {
  switch (status) {
    case 401:
      return 'unauthenticated';
    case 403:
      return 'forbidden';
    case 404:
      return 'not_found';
    case 409:
      return 'conflict';
    case 429:
      return 'rate_limited';
    default:
      return 'invalid';
  }
}

/** v2 is in preview: to an account without it, Stripe says that it knows no such version, or no such URL. */
function isNoAccess(status: number, error: JsonObject | null): boolean {
  const message = readText(error?.['message']) ?? '';
  if (status === 400) return /stripe-version|api version/i.test(message);
  return status === 404 && /^unrecognized request url/i.test(message);
}

function messageOf(
  kind: UpstreamErrorKind,
  status: number,
  error: JsonObject | null,
  apiKey: string,
): string {
  // Stripe's own words for these two quote the key and name its permissions, which are the operator's business.
  if (kind === 'unauthenticated') return "Stripe does not accept the gateway's key.";
  if (kind === 'forbidden') return "The gateway's Stripe key may not do this.";
  const message = scrub(readText(error?.['message']) ?? '', apiKey);
  return message === '' ? `Stripe refused the request (HTTP ${status}).` : message;
}

/** Two of v1's errors have no code: one is told by its type, the other by its words. */
function codeBesides(status: number, error: JsonObject | null): string | null {
  if (error?.['type'] === 'idempotency_error') return 'idempotency_error';
  const liveOnly = status === 404 && /live mode key/i.test(readText(error?.['message']) ?? '');
  return liveOnly ? 'live_mode_required' : null;
}

/** Words of Stripe's that are shown as they are: never anything that could be a sentence, a link or a key. */
function plainWord(value: JsonValue | undefined): string | null {
  const word = readText(value);
  return word !== null && /^[\w.[\]-]{1,200}$/.test(word) && scrub(word, '') === word ? word : null;
}
