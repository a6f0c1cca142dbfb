import { setMaxListeners } from 'node:events';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { execute, type GraphQLSchema, subscribe } from 'graphql';
import { createYoga, type Plugin, type YogaServerInstance } from 'graphql-yoga';
import type { Logger } from 'pino';
import type { Context, Services } from '../context.js';
import { originOf } from './access.js';
import { type MaskError, useErrorCodes } from './errors.js';
import { MAX_MESSAGE_BYTES, useLimits, useNoIntrospection, useSubscriptionRule } from './limits.js';
import type { Refusal } from './respond.js';
import { useUpstreamReport } from './upstream-report.js';

export const GRAPHQL_PATH = '/graphql';

export interface GraphQLOptions {
  readonly schema: GraphQLSchema;
  readonly services: Services;
  /** Called once per operation. */
  readonly createLoaders: (services: Services) => Context['loaders'];
  /** Whether clients may ask for the schema. */
  readonly introspection: boolean;
  readonly log: Logger;
}

/** What each transport knows about an operation: the request, or on a socket the one that opened it. */
interface TransportContext {
  readonly req: IncomingMessage;
  readonly res?: ServerResponse;
  /** Aborted when the socket is closed; over HTTP the response tells. */
  readonly gone?: AbortSignal;
}

export type Yoga = YogaServerInstance<TransportContext, Context>;

/** The engine behind every transport. HTTP and SSE go through it whole, sockets through its `getEnveloped`. */
export function createGraphQL(options: GraphQLOptions, maskError: MaskError): Yoga {
  const { schema, services, createLoaders, introspection } = options;
  return createYoga<TransportContext, Context>({
    schema,
    graphqlEndpoint: GRAPHQL_PATH,
    context: ({ req, res, gone }) => ({
      services,
      origin: originOf(req),
      loaders: createLoaders(services),
      reportUpstream: false,
      rowPages: 0,
      rowCharacters: 0,
      gone: gone ?? endOf(res),
    }),
    cors: false,
    multipart: false,
    batching: false,
    graphiql: false,
    landingPage: false,
    // Errors reach the log through maskError; Yoga's own logger would print the expected ones, too.
    logging: false,
    maskedErrors: { maskError, isDev: false },
    maxRequestBodySize: MAX_MESSAGE_BYTES,
    plugins: [
      useGraphQLJs(),
      useErrorCodes(),
      useLimits(),
      useSubscriptionRule(),
      ...(introspection ? [] : [useNoIntrospection()]),
      useUpstreamReport(),
    ],
  });
}

/** Aborted when the response is out, or can reach nobody any more. */
function endOf(res: ServerResponse | undefined): AbortSignal {
  const end = new AbortController();
  // As many listen to it as there are readings under way.
  setMaxListeners(0, end.signal);
  res?.once('close', () => end.abort());
  return end.signal;
}

/** What Yoga would let in, or answer without a word. */
export function refusalOf(req: IncomingMessage): Refusal | null {
  if (req.method === 'GET') return refusalOfQueryString(req.url ?? '');
  if (req.method !== 'POST') {
    return {
      status: 405,
      code: 'METHOD_NOT_ALLOWED',
      message: `GraphQL takes GET and POST, not ${req.method ?? 'nothing'}.`,
      headers: { allow: 'GET, POST' },
    };
  }
  const type = (req.headers['content-type'] ?? '').split(';', 1)[0]?.trim().toLowerCase() ?? '';
  if (type !== 'application/json') {
    return {
      status: 415,
      code: 'UNSUPPORTED_MEDIA_TYPE',
      message: `Send the operation as application/json, not as ${type === '' ? 'a body without a content type' : type}.`,
    };
  }
  if (Number(req.headers['content-length'] ?? 0) > MAX_MESSAGE_BYTES) {
    return {
      status: 413,
      code: 'REQUEST_ENTITY_TOO_LARGE',
      message: `The request body has more than ${MAX_MESSAGE_BYTES} bytes.`,
    };
  }
  return null;
}

/** Yoga takes unparsable JSON in the query string for a fault of its own. */
function refusalOfQueryString(url: string): Refusal | null {
  const query = new URLSearchParams(url.split('?', 2)[1] ?? '');
  for (const name of ['variables', 'extensions']) {
    if (!isJsonOrAbsent(query.get(name))) {
      return {
        status: 400,
        code: 'BAD_REQUEST',
        message: `The query parameter "${name}" must be a JSON object.`,
      };
    }
  }
  return null;
}

function isJsonOrAbsent(text: string | null): boolean {
  if (text === null || text === '') return true;
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}

/** The specification asks for fields in the order of the query; Yoga's own executor gives them as they come in. */
function useGraphQLJs(): Plugin {
  return {
    onExecute: ({ setExecuteFn }) => setExecuteFn(execute),
    onSubscribe: ({ setSubscribeFn }) => setSubscribeFn(subscribe),
  };
}
