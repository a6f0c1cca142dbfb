import {
  createServer,
  type IncomingMessage,
  type Server,
  type ServerResponse,
  STATUS_CODES,
} from 'node:http';
import type { Duplex } from 'node:stream';
import { type AccessCheck, createAccessCheck } from './access.js';
import { createMaskError, loggable } from './errors.js';
import { FILES_PREFIX } from './file-links.js';
import { createFileHandler, type FileOptions } from './files.js';
import { createGraphiQLPage, wantsPage } from './graphiql.js';
import { createGraphQL, GRAPHQL_PATH, type GraphQLOptions, refusalOf } from './graphql.js';
import { logRequest, pathOf } from './request-log.js';
import { closeUnread, type Refusal, refuse, sendJson } from './respond.js';
import { createSockets } from './sockets.js';
import { createWebhookHandler, WEBHOOKS_PATH, type WebhookReceiver } from './webhooks.js';

export interface GatewayServerOptions extends GraphQLOptions {
  readonly files: Pick<FileOptions, 'open' | 'verify' | 'stallTimeout'>;
  /** Takes the events that Stripe posts to /webhooks/stripe; null where there is no such path. */
  readonly receiveWebhook: WebhookReceiver | null;
  /** Whether browsers get GraphiQL at /graphql. */
  readonly graphiql: boolean;
  /** Names accepted in `Host` besides the loopback ones: `name` for any port, `name:port` for one. */
  readonly allowedHosts: readonly string[];
  /** Unix ms. */
  readonly now: () => number;
  /** How long a new socket may take for `connection_init`, ms; 3,000 unless told otherwise. */
  readonly socketInitTimeout?: number;
  /** How long `close` waits for operations and downloads that are under way, ms; 5,000 unless told otherwise. */
  readonly closeGrace?: number;
}

export interface GatewayServer {
  /** Resolves to the port taken, which matters where 0 asked for a free one. */
  listen(port: number, host: string): Promise<number>;
  /**
   * Takes no more requests, then closes sockets, HTTP and the GraphQL engine, in that order. Whoever owns the watchers
   * ends them first, so that subscriptions complete instead of being cut off.
   */
  close(): Promise<void>;
}

const SECURITY_HEADERS = [
  ['x-content-type-options', 'nosniff'],
  ['x-frame-options', 'DENY'],
  ['referrer-policy', 'same-origin'],
  ['cross-origin-opener-policy', 'same-origin'],
] as const;

/** A client that has not sent its whole request by then is cut off. */
const REQUEST_TIMEOUT_MS = 30_000;
const CLOSING: Refusal = { status: 503, code: 'SHUTTING_DOWN', message: 'This gateway is shutting down.' };
const NOT_FOUND: Refusal = {
  status: 404,
  code: 'NOT_FOUND',
  message: `There is nothing here. The graph is at ${GRAPHQL_PATH}.`,
};

/** Everything the world can reach, on one port: GraphQL over HTTP, SSE and WebSocket, GraphiQL, webhooks, files and health. */
export function createGatewayServer(options: GatewayServerOptions): GatewayServer {
  const { log, closeGrace = 5_000 } = options;
  const maskError = createMaskError(log);
  const yoga = createGraphQL(options, maskError);
  const sockets = createSockets({ yoga, maskError, initTimeout: options.socketInitTimeout ?? 3_000, log });
  const sendFile = createFileHandler({ ...options.files, services: options.services, log });
  const sendPage = options.graphiql ? createGraphiQLPage(options) : null;
  const takeWebhook =
    options.receiveWebhook === null ? null : createWebhookHandler(options.receiveWebhook, log);
  const checkAccess = createAccessCheck(options.allowedHosts);
  let closing = false;

  const answer = async (req: IncomingMessage, res: ServerResponse): Promise<void> => {
    const path = pathOf(req);
    if (takeWebhook !== null && path === WEBHOOKS_PATH && !closing) return await takeWebhook(req, res);
    const refusal = closing ? CLOSING : checkAccess(req);
    if (refusal !== null) return refuse(req, res, refusal);
    if (path.startsWith(FILES_PREFIX)) return await sendFile(req, res);
    if (path === '/health' && req.method === 'GET') return sendJson(res, 200, { status: 'ok' });
    if (path !== GRAPHQL_PATH) return refuse(req, res, NOT_FOUND);
    if (sendPage !== null && wantsPage(req)) return await sendPage(res);
    const unfit = refusalOf(req);
    if (unfit !== null) return refuse(req, res, unfit);
    res.setHeader('cache-control', 'no-store');
    closeUnread(req, res);
    await yoga(req, res);
  };

  const http = createServer({ requestTimeout: REQUEST_TIMEOUT_MS }, (req, res) => {
    logRequest(log, req, res);
    for (const [name, value] of SECURITY_HEADERS) res.setHeader(name, value);
    answer(req, res).catch((error: unknown) => {
      log.error({ err: loggable(error) }, 'a request failed unexpectedly');
      if (res.headersSent) res.destroy();
      else
        refuse(req, res, {
          status: 500,
          code: 'INTERNAL_SERVER_ERROR',
          message: 'The gateway failed unexpectedly.',
        });
    });
  });
  http.on('upgrade', (req, socket, head) => {
    const refusal = closing ? CLOSING : refusalOfUpgrade(req, checkAccess);
    if (refusal === null) sockets.upgrade(req, socket, head);
    else refuseUpgrade(socket, refusal);
  });

  return {
    listen: (port, host) => listen(http, port, host),
    async close() {
      closing = true;
      const deadline = AbortSignal.timeout(closeGrace);
      await sockets.close(deadline);
      await closeHttp(http, deadline);
      await yoga.dispose();
    },
  };
}

function refusalOfUpgrade(req: IncomingMessage, checkAccess: AccessCheck): Refusal | null {
  return checkAccess(req) ?? (pathOf(req) === GRAPHQL_PATH ? null : NOT_FOUND);
}

function refuseUpgrade(socket: Duplex, { status, message }: Refusal): void {
  socket.on('error', () => socket.destroy());
  socket.end(
    [
      `HTTP/1.1 ${status} ${STATUS_CODES[status] ?? ''}`,
      'Connection: close',
      'Content-Type: text/plain; charset=utf-8',
      `Content-Length: ${Buffer.byteLength(message)}`,
      '',
      message,
    ].join('\r\n'),
  );
}

function listen(http: Server, port: number, host: string): Promise<number> {
  return new Promise((resolve, reject) => {
    http.once('error', reject);
    http.listen(port, host, () => {
      http.off('error', reject);
      const address = http.address();
      resolve(typeof address === 'object' && address !== null ? address.port : port);
    });
  });
}

async function closeHttp(http: Server, deadline: AbortSignal): Promise<void> {
  if (!http.listening) return;
  const closed = new Promise<void>((resolve) => {
    http.close(() => resolve());
  });
  // A connection that becomes idle after `close` would otherwise live until its keep-alive ends.
  const sweep = setInterval(() => {
    if (deadline.aborted) http.closeAllConnections();
    else http.closeIdleConnections();
  }, 20);
  await closed;
  clearInterval(sweep);
}
