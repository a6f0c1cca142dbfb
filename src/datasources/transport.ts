import { setTimeout as wait } from 'node:timers/promises';
import { Stripe } from 'stripe';
import { UpstreamError } from '../models/errors.js';
import { isJsonObject, type JsonObject } from '../models/json.js';
import { type Admission, endpointOf, FREE, type Priority, type UpstreamCall } from './admission.js';
import { parseJson } from './decode.js';
import { UndiciHttpClient, WireAnswer, WireFailure } from './http-client.js';
import {
  answerDetails,
  failureOfAnswer,
  failureOfConnection,
  findFailure,
  refusalOf,
  withRetryAfter,
} from './upstream-failure.js';

/** A 2xx answer of Stripe's. */
export interface Answer {
  readonly status: number;
  readonly body: JsonObject;
  readonly requestId: string | null;
  /** Whether Stripe had it stored under the idempotency key. */
  readonly replayed: boolean;
}

/**
 * Requests to one upstream with one key. Whatever goes wrong with them is an UpstreamError, but for what goes wrong with the
 * admission. A 429 about the rate is waited out and repeated once where the wait that is left allows it.
 */
export interface Transport {
  /** At most two attempts. `path` begins with /v1/ or /v2/ and has the query in it, encoded. */
  get(path: string): Promise<Answer>;
  /** One attempt, but for a 429 about the rate. Form-encoded in v1, JSON in v2. */
  post(path: string, params: JsonObject, idempotencyKey: string): Promise<Answer>;
  /** The same for calls of another priority; at first it is a person's. */
  as(priority: Priority): Transport;
  /** Breaks off what is under way: to be called when nobody waits for it any more. */
  close(): Promise<void>;
}

export interface TransportOptions {
  readonly apiKey: string;
  /** Scheme, host and port; there is no path in front of /v1 and /v2. */
  readonly base: URL;
  /** `Stripe-Version` of /v2 requests, which it is mandatory for. */
  readonly v2Version: string;
  /** Ms for one attempt, from the connection to the last byte. */
  readonly timeouts?: { readonly read?: number; readonly create?: number };
  /** Who lets each attempt through; absent: nobody holds any back. */
  readonly admission?: Admission;
}

const READ_MS = 4_500;
const CREATE_MS = 10_000;
/** How long, ms, both attempts of a read may take besides their waits for the admission. */
const READS_MS = 8_000;
/** How long, ms, a call waits to be admitted, with all its attempts. None waits long: a feed has others to serve. */
const WAIT_MS: Readonly<Record<Priority, number>> = { person: 2_000, watched: 3_000, rest: 3_000 };
/** Between two attempts, ms. */
const PAUSE_MS = 500;

interface Request {
  readonly method: 'GET' | 'POST';
  readonly path: string;
  readonly params?: JsonObject;
  readonly idempotencyKey?: string;
}

export function createTransport(options: TransportOptions): Transport {
  const { apiKey, base, v2Version, timeouts = {}, admission = FREE } = options;
  const { read = READ_MS, create = CREATE_MS } = timeouts;
  const httpClient = new UndiciHttpClient();
  const protocol = base.protocol === 'http:' ? 'http' : 'https';
  const stripe = new Stripe(apiKey, {
    httpClient,
    protocol,
    host: base.hostname,
    port: base.port === '' ? (protocol === 'http' ? 80 : 443) : Number(base.port),
    // Telemetry would describe this machine, and in some builds of the SDK write a file into the home directory.
    telemetry: false,
    // Each attempt has to be admitted, which the SDK's own would not be.
    maxNetworkRetries: 0,
  });

  async function send(request: Request, timeout: number): Promise<Answer | WireAnswer | WireFailure> {
    const { method, path, params, idempotencyKey } = request;
    const version = path.startsWith('/v2/') ? { apiVersion: v2Version } : {};
    const key = idempotencyKey === undefined ? {} : { idempotencyKey };
    // `streaming` leaves the body alone: read by the SDK, a failed v1 run is taken for an API error, and lost.
    const answer: unknown = await stripe
      .rawRequest(method, path, params, { ...key, ...version, timeout, streaming: true })
      .catch((error: unknown) => {
        const failure = findFailure(error);
        if (failure === null) throw error;
        return { failure };
      });
    if (answer instanceof WireAnswer) return readAnswer(answer);
    if (typeof answer === 'object' && answer !== null && 'failure' in answer) {
      const { failure } = answer;
      if (failure instanceof WireAnswer || failure instanceof WireFailure) return failure;
    }
    throw new TypeError('The SDK did not hand on the answer it was given.');
  }

  /** The error for a failed attempt. A 429 is noted, so that others hold back too. */
  async function explain(failure: WireAnswer | WireFailure, call: UpstreamCall, path: string) {
    if (failure instanceof WireFailure) return { error: failureOfConnection(failure), pauseMs: 0 };
    const error = failureOfAnswer(failure, path, apiKey);
    if (error.kind !== 'rate_limited') return { error, pauseMs: 0 };
    const pauseMs = await admission.refused(call, refusalOf(failure, error));
    return { error: withRetryAfter(error, pauseMs), pauseMs };
  }

  async function request(asked: Request, priority: Priority): Promise<Answer> {
    const isRead = asked.method === 'GET';
    const endpoint = endpointOf(asked.method, asked.path);
    const deadline = performance.now() + WAIT_MS[priority] + (isRead ? READS_MS : create);
    let waitMs = WAIT_MS[priority];

    async function attempt(failed: UpstreamError | null): Promise<Answer> {
      const call = { endpoint, isRead, priority, waitMs };
      const came = performance.now();
      await admission.admit(call).catch((error: unknown) => {
        // Where there is no second attempt, what Stripe said to the first is the better answer.
        throw failed ?? error;
      });
      waitMs = Math.max(0, waitMs - (performance.now() - came));
      const timeout = Math.min(isRead ? read : create, deadline - performance.now());
      const outcome = await send(asked, Math.max(1, Math.ceil(timeout)));
      if (!(outcome instanceof WireAnswer || outcome instanceof WireFailure)) return outcome;
      const { error, pauseMs } = await explain(outcome, call, asked.path);
      const isPassing = isRead && mayPass(outcome);
      const isHeldBack = pauseMs > 0 && error.effect === 'none';
      if (failed !== null || !(isPassing || isHeldBack)) throw error;
      if (isPassing) await wait(PAUSE_MS);
      return attempt(error);
    }

    return attempt(null);
  }

  function as(priority: Priority): Transport {
    return {
      get: (path) => request({ method: 'GET', path }, priority),
      post: (path, params, idempotencyKey) =>
        request({ method: 'POST', path, params, idempotencyKey }, priority),
      as,
      close: () => httpClient.close(),
    };
  }

  return as('person');
}

/** Whether what went wrong may be over in half a second. Stripe says so itself, or that it will not be. */
function mayPass(failure: WireAnswer | WireFailure): boolean {
  if (failure instanceof WireFailure) return failure.reason !== 'too_large';
  if (failure.status === 429) return false;
  const advice = failure.headers['stripe-should-retry'];
  return advice === 'true' || (advice !== 'false' && (failure.status === 409 || failure.status >= 500));
}

function readAnswer(answer: WireAnswer): Answer {
  const details = answerDetails(answer);
  const contract = (came: string): UpstreamError =>
    new UpstreamError('contract', `Stripe's API promises a JSON object; what came is ${came}.`, details);
  if (answer.status < 200 || answer.status > 299) throw contract(`HTTP ${answer.status}`);
  const contentType = answer.headers['content-type'] ?? '';
  if (contentType !== '' && !/^[\w.+-]+\/(?:[\w.-]+\+)?json\b/i.test(contentType)) {
    throw contract('of another content type');
  }
  const body = parseJson(answer.text);
  if (!isJsonObject(body)) throw contract(body === undefined ? 'not JSON' : 'JSON of another kind');
  const { requestId = null, replayed = false } = details;
  return { status: answer.status, body, requestId, replayed };
}
