import { Stripe } from 'stripe';
import { Agent, type Dispatcher } from 'undici';

/** A whole answer, whatever its status: nothing of it is still on its way. */
export class WireAnswer {
  readonly status: number;
  /** Names in lower case. */
  readonly headers: Readonly<Record<string, string>>;
  readonly text: string;

  constructor(status: number, headers: Readonly<Record<string, string>>, text: string) {
    this.status = status;
    this.headers = headers;
    this.text = text;
  }
}

/**
 * No whole answer. `unsent`: certain that not a byte of the request left.
 * It must never have a `code` of ECONNRESET or EPIPE: the SDK would send the request once more, even with its retries off.
 */
export class WireFailure extends Error {
  override readonly name = 'WireFailure';
  readonly reason: 'unsent' | 'timeout' | 'broken' | 'too_large';
  /** What had arrived before it failed; both null where not even the headers had. */
  readonly status: number | null;
  readonly requestId: string | null;

  constructor(reason: WireFailure['reason'], message: string, head: Dispatcher.ResponseData | null = null) {
    super(message);
    this.reason = reason;
    const requestId = head?.headers['request-id'];
    this.status = head?.statusCode ?? null;
    this.requestId = typeof requestId === 'string' ? requestId : null;
  }
}

/** Undici's codes and the system's that mean there never was a connection. */
const UNSENT = new Set(['ECONNREFUSED', 'ENOTFOUND', 'EAI_AGAIN', 'UND_ERR_CONNECT_TIMEOUT']);
const CONNECT_MS = 3_000;

/**
 * The SDK's way to the network. It differs from the SDK's own in three points: `timeout` is a deadline for the whole attempt,
 * headers and body; answers are read whole, at most `maxBytes` of them; and an answer of status 400 or more
 * rejects with the WireAnswer (in `detail.exception` of the SDK's error) instead of being taken apart by the SDK.
 */
export class UndiciHttpClient implements Stripe.HttpClient {
  readonly #agent: Agent;
  readonly #maxBytes: number;

  constructor(options: { readonly maxBytes?: number } = {}) {
    this.#maxBytes = options.maxBytes ?? 20_000_000;
    // The deadline of the attempt stands in for undici's own time-outs.
    this.#agent = new Agent({ connect: { timeout: CONNECT_MS }, headersTimeout: 0, bodyTimeout: 0 });
  }

  getClientName(): string {
    return 'undici';
  }

  // The SDK leaves a rejection unhandled where this throws before its first await, hence async.
  async makeRequest(
    host: string,
    port: string,
    path: string,
    method: string,
    headers: object,
    requestData: string,
    protocol: string,
    timeout: number,
  ): Promise<Stripe.HttpClientResponse> {
    const deadline = new AbortController();
    const timer = setTimeout(() => deadline.abort(), timeout);
    let response: Dispatcher.ResponseData | null = null;
    try {
      response = await this.#agent.request({
        origin: `${protocol}://${host}:${port}`,
        path,
        method: method === 'POST' ? 'POST' : 'GET',
        headers: outgoing(headers),
        body: requestData === '' ? null : requestData,
        signal: deadline.signal,
      });
      const text = await readAll(response, this.#maxBytes);
      return respond(new WireAnswer(response.statusCode, incoming(response.headers), text));
    } catch (error) {
      if (deadline.signal.aborted) {
        throw new WireFailure('timeout', `gave no complete answer within ${timeout} ms`, response);
      }
      throw error instanceof WireFailure ? error : toWireFailure(error, response);
    } finally {
      clearTimeout(timer);
    }
  }

  /** Closes the connections, and breaks off what is under way. */
  async close(): Promise<void> {
    await this.#agent.destroy();
  }
}

/** Header values as text; the length is undici's to count. */
function outgoing(headers: object): Record<string, string> {
  const kept = Object.entries(headers).filter(([name]) => name.toLowerCase() !== 'content-length');
  return Object.fromEntries(kept.map(([name, value]) => [name, String(value)]));
}

function incoming(headers: Dispatcher.ResponseData['headers']): Record<string, string> {
  const present = Object.entries(headers).flatMap(([name, value]) =>
    value === undefined ? [] : [[name, Array.isArray(value) ? value.join(', ') : value] as const],
  );
  return Object.fromEntries(present);
}

async function readAll(response: Dispatcher.ResponseData, maxBytes: number): Promise<string> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of response.body) {
    const bytes = Buffer.from(chunk);
    size += bytes.length;
    if (size > maxBytes)
      throw new WireFailure('too_large', `sent an answer of more than ${maxBytes} bytes`, response);
    chunks.push(bytes);
  }
  return Buffer.concat(chunks).toString('utf8');
}

/** In the shape the SDK wants. `toStream` is what it asks of statuses below 400, `toJSON` of the others. */
function respond(answer: WireAnswer): Stripe.HttpClientResponse {
  return {
    getStatusCode: () => answer.status,
    getHeaders: () => answer.headers,
    getRawResponse: () => answer,
    toStream: () => answer,
    toJSON: () => Promise.reject(Stripe.HttpClient.makeResponseBodyError(answer)),
  };
}

function toWireFailure(error: unknown, head: Dispatcher.ResponseData | null): WireFailure {
  if (codesOf(error).every((code) => UNSENT.has(code)))
    return new WireFailure('unsent', 'could not be reached');
  return new WireFailure('broken', 'broke the connection before its answer was complete', head);
}

/** Where a name has several addresses, the error is an aggregate of one per address. */
function codesOf(error: unknown): string[] {
  if (error instanceof AggregateError && error.errors.length > 0) return error.errors.flatMap(codesOf);
  const code = error instanceof Error && 'code' in error ? error.code : undefined;
  return [typeof code === 'string' ? code : 'unknown'];
}
