import { createServer, type IncomingHttpHeaders, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { type Transport, type TransportOptions, createTransport } from '../../src/datasources/transport.js';
import { UpstreamError } from '../../src/models/errors.js';

export const API_KEY = 'sk_test_51TheGatewaysOwn';
export const V2_VERSION = '2026-08-12.preview';

/** A request as it arrived on the wire. */
interface Arrived {
  readonly method: string;
  /** Path and query, undecoded. */
  readonly url: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

type Handler = (response: ServerResponse, request: Arrived) => void;

/** An upstream that does what the test says, and nothing else. */
export interface Upstream extends AsyncDisposable {
  readonly base: URL;
  readonly requests: Arrived[];
  /** Sockets that were closed before their answer was complete. */
  readonly brokenOff: () => number;
  answer(handler: Handler): void;
  transport(timeouts?: TransportOptions['timeouts']): Transport;
}

export async function startUpstream(first?: Handler): Promise<Upstream> {
  let handler: Handler = first ?? ((response) => json(response, 200, {}));
  let brokenOff = 0;
  const requests: Arrived[] = [];
  const transports: Transport[] = [];
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const { method = '', url = '', headers } = request;
      const arrived = { method, url, headers, body: Buffer.concat(chunks).toString() };
      requests.push(arrived);
      handler(response, arrived);
    });
    response.on('close', () => {
      if (!response.writableFinished) brokenOff += 1;
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const base = new URL(`http://127.0.0.1:${(server.address() as AddressInfo).port}`);
  return {
    base,
    requests,
    brokenOff: () => brokenOff,
    answer: (next) => {
      handler = next;
    },
    transport: (timeouts) => {
      const transport = createTransport({
        apiKey: API_KEY,
        base,
        v2Version: V2_VERSION,
        ...(timeouts === undefined ? {} : { timeouts }),
      });
      transports.push(transport);
      return transport;
    },
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await Promise.all(transports.map((transport) => transport.close()));
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

export function json(
  response: ServerResponse,
  status: number,
  body: unknown,
  headers: Record<string, string> = {},
): void {
  response.writeHead(status, { 'content-type': 'application/json', 'request-id': 'req_wire', ...headers });
  response.end(JSON.stringify(body));
}

/** The UpstreamError a promise rejects with; anything else fails the test. */
export async function failure(promise: Promise<unknown>): Promise<UpstreamError> {
  const error = await promise.then(
    (value) => new Error(`expected a rejection, got ${JSON.stringify(value)}`),
    (reason: unknown) => reason,
  );
  if (error instanceof UpstreamError) return error;
  throw error;
}

/** Waits until something holds, for what another socket does shortly. */
export async function until(holds: () => boolean): Promise<void> {
  for (let tries = 0; tries < 200 && !holds(); tries += 1)
    await new Promise((resolve) => setTimeout(resolve, 10));
  if (!holds()) throw new Error('waited 2 s for something that did not happen');
}
