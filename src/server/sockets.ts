import { setMaxListeners } from 'node:events';
import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import { type ExecutionArgs, type FormattedExecutionResult, GraphQLError, getOperationAST } from 'graphql';
import {
  CloseCode,
  type ExecutionResult,
  handleProtocols,
  makeServer,
  type SubscribePayload,
} from 'graphql-ws';
import type { Logger } from 'pino';
import { WebSocketServer } from 'ws';
import { loggable, type MaskError } from './errors.js';
import type { Yoga } from './graphql.js';
import { MAX_MESSAGE_BYTES } from './limits.js';
import { closeAll, keepAlive, send } from './socket-wire.js';

/** Operations that may be under way on one socket. */
const MAX_OPERATIONS_PER_SOCKET = 100;

export interface SocketOptions {
  readonly yoga: Yoga;
  readonly maskError: MaskError;
  /** How long a new socket may take for `connection_init`, ms. */
  readonly initTimeout: number;
  readonly log: Logger;
}

export interface Sockets {
  /** Takes over an HTTP upgrade that has passed the access check. */
  upgrade(req: IncomingMessage, socket: Duplex, head: Buffer): void;
  /** Lets operations finish until the deadline, then says goodbye to every client, and cuts off those that do not answer. */
  close(deadline: AbortSignal): Promise<void>;
}

/** What graphql-ws keeps for each socket. */
interface SocketExtra {
  readonly request: IncomingMessage;
  /** Aborted when the socket is closed. */
  readonly gone: AbortSignal;
}

/** GraphQL over WebSocket by the graphql-transport-ws protocol. */
export function createSockets({ yoga, maskError, initTimeout, log }: SocketOptions): Sockets {
  const { execute, subscribe } = yoga.getEnveloped({});
  const protocol = makeServer<Record<string, unknown>, SocketExtra>({
    connectionInitWaitTimeout: initTimeout,
    execute: guarded(execute, maskError),
    subscribe: guarded(subscribe, maskError),
    onSubscribe: (context, _id, payload) =>
      Object.keys(context.subscriptions).length > MAX_OPERATIONS_PER_SOCKET
        ? [tooManyOperations()]
        : prepare(yoga, maskError, context.extra, payload),
    onNext: (_context, _id, _payload, _args, result) => printedResult(result),
    onError: (_context, _id, _payload, errors) => errors.map(printedError),
  });
  const server = new WebSocketServer({ noServer: true, maxPayload: MAX_MESSAGE_BYTES, handleProtocols });
  const underWay = new Set<Promise<void>>();
  server.on('connection', (socket, request) => {
    const gone = new AbortController();
    // As many listen to it as there are readings under way.
    setMaxListeners(0, gone.signal);
    const closed = protocol.opened(
      {
        protocol: socket.protocol,
        send: (text) => send(socket, text),
        close: (code, reason) => socket.close(code, reason),
        onMessage: (take) => {
          socket.on('message', (data: Buffer) => {
            const taken = take(data.toString()).catch((error: unknown) => {
              log.error({ err: loggable(error) }, 'a socket failed unexpectedly');
              socket.close(CloseCode.InternalServerError, 'Internal server error');
            });
            underWay.add(taken);
            void taken.then(() => underWay.delete(taken));
          });
        },
      },
      { request, gone: gone.signal },
    );
    // A message that is too long, or no WebSocket frame at all: ws closes the socket by itself.
    socket.on('error', (error) => log.debug({ err: loggable(error) }, 'a socket broke its protocol'));
    const stopPings = keepAlive(socket);
    socket.once('close', (code, reason) => {
      stopPings();
      gone.abort();
      closed(code, String(reason)).catch((error: unknown) => {
        log.error({ err: loggable(error) }, 'a socket could not be cleaned up');
      });
    });
  });
  return {
    upgrade(req, socket, head) {
      server.handleUpgrade(req, socket, head, (client) => server.emit('connection', client, req));
    },
    async close(deadline) {
      await Promise.race([Promise.all(underWay), aborted(deadline)]);
      await closeAll(server);
    },
  };
}

/**
 * Parses and validates an operation and builds its context. It never throws: what a hook of graphql-ws throws closes
 * the whole socket with every other subscription on it.
 */
async function prepare(
  yoga: Yoga,
  maskError: MaskError,
  { request, gone }: SocketExtra,
  { query, operationName, variables }: SubscribePayload,
): Promise<ExecutionArgs | readonly GraphQLError[]> {
  try {
    const { schema, parse, validate, contextFactory } = yoga.getEnveloped({ req: request, gone });
    const document = parse(query);
    const invalid: readonly GraphQLError[] = validate(schema, document);
    if (invalid.length > 0) return invalid;
    if (!getOperationAST(document, operationName)) {
      return [
        new GraphQLError('Could not determine what operation to execute.', {
          extensions: { code: 'OPERATION_RESOLUTION_FAILURE' },
        }),
      ];
    }
    const contextValue = await contextFactory();
    return { schema, document, operationName, variableValues: variables, contextValue };
  } catch (error) {
    return [maskError(error)];
  }
}

type Execute = (args: ExecutionArgs) => Promise<ExecutionResult | AsyncIterable<ExecutionResult>>;

/** What execution throws would close the socket, too: it is the answer to this one operation. */
function guarded(run: (args: ExecutionArgs) => ReturnType<Execute>, maskError: MaskError): Execute {
  return (args) =>
    Promise.resolve(args)
      .then(run)
      .catch((error: unknown) => ({ errors: [maskError(error)] }));
}

function tooManyOperations(): GraphQLError {
  return new GraphQLError(
    `This socket already has ${MAX_OPERATIONS_PER_SOCKET} operations under way. Complete one, or open another socket.`,
    { extensions: { code: 'TOO_MANY_OPERATIONS' } },
  );
}

function printedResult({ errors, data, extensions }: ExecutionResult): FormattedExecutionResult {
  return {
    ...(errors === undefined ? {} : { errors: errors.map(printedError) }),
    ...(data === undefined ? {} : { data }),
    ...(extensions === undefined ? {} : { extensions }),
  };
}

/** Without the notes Yoga leaves for its HTTP side. */
function printedError(error: GraphQLError) {
  const { extensions, ...printed } = error.toJSON();
  const { http: _, unexpected: __, ...shown } = extensions ?? {};
  return { ...printed, extensions: shown };
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener('abort', () => resolve(), { once: true });
  });
}
