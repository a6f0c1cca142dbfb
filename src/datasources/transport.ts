import { Stripe } from 'stripe';
import { UpstreamError } from '../models/errors.js';
import { isJsonObject, type JsonObject } from '../models/json.js';
import { parseJson } from './decode.js';
import { UndiciHttpClient, WireAnswer, WireFailure } from './http-client.js';
import { answerDetails, failureOfAnswer, failureOfConnection, findFailure } from './upstream-failure.js';

/** A 2xx answer of Stripe's. */
export interface Answer {
  readonly status: number;
  readonly body: JsonObject;
  readonly requestId: string | null;
  /** Whether Stripe had it stored under the idempotency key. */
  readonly replayed: boolean;
}

/** Requests to one upstream with one key. Whatever goes wrong with them is an UpstreamError. */
export interface Transport {
  /** At most two attempts. `path` begins with /v1/ or /v2/ and has the query in it, encoded. */
  get(path: string): Promise<Answer>;
  /** One attempt. Form-encoded in v1, JSON in v2. */
  post(path: string, params: JsonObject, idempotencyKey: string): Promise<Answer>;
  /** Waits for what is under way. */
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
}

/** Two attempts and the half second the SDK waits between them stay under 10 s. */
const READ_MS = 4_500;
const CREATE_MS = 10_000;

export function createTransport(options: TransportOptions): Transport {
  const { apiKey, base, v2Version, timeouts = {} } = options;
  const httpClient = new UndiciHttpClient();
  const protocol = base.protocol === 'http:' ? 'http' : 'https';
  const stripe = new Stripe(apiKey, {
    httpClient,
    protocol,
    host: base.hostname,
    port: base.port === '' ? (protocol === 'http' ? 80 : 443) : Number(base.port),
    // Telemetry would describe this machine, and in some builds of the SDK write a file into the home directory.
    telemetry: false,
  });
  const read = { timeout: timeouts.read ?? READ_MS, maxNetworkRetries: 1 };
  const create = { timeout: timeouts.create ?? CREATE_MS, maxNetworkRetries: 0 };

  async function request(
    method: 'GET' | 'POST',
    path: string,
    params: JsonObject | undefined,
    settings: Stripe.RawRequestOptions,
  ): Promise<Answer> {
    const version = path.startsWith('/v2/') ? { apiVersion: v2Version } : {};
    // `streaming` leaves the body alone: read by the SDK, a failed v1 run is taken for an API error, and lost.
    const answer: unknown = await stripe
      .rawRequest(method, path, params, { ...settings, ...version, streaming: true })
      .catch((error: unknown) => {
        const failure = findFailure(error);
        if (failure instanceof WireAnswer) throw failureOfAnswer(failure, path, apiKey);
        throw failure instanceof WireFailure ? failureOfConnection(failure) : error;
      });
    if (!(answer instanceof WireAnswer))
      throw new TypeError('The SDK did not hand on the answer it was given.');
    return readAnswer(answer);
  }

  return {
    get: (path) => request('GET', path, undefined, read),
    post: (path, params, idempotencyKey) => request('POST', path, params, { ...create, idempotencyKey }),
    close: () => httpClient.close(),
  };
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
