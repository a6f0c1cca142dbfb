import { randomUUID } from 'node:crypto';
import { GraphQLError, Kind } from 'graphql';
import type { Plugin } from 'graphql-yoga';
import type { Logger } from 'pino';
import { GatewayError, toGatewayError, UpstreamError } from '../models/errors.js';

/** Turns whatever was thrown into what the client may see, and logs what it may not. */
export type MaskError = (error: unknown) => GraphQLError;

/**
 * Errors that were meant for the client pass with their code; any other is logged and replaced. The `errorId` of the
 * replacement is also in the log line, so that a report from a client can be found there.
 */
export function createMaskError(log: Logger): MaskError {
  return (error) => {
    const shown = publicError(error);
    if (shown !== null) return shown;
    const errorId = randomUUID();
    log.error({ errorId, err: loggable(causeOf(error)) }, 'an operation failed unexpectedly');
    return new GraphQLError('The gateway failed unexpectedly. Its log has the details under this errorId.', {
      ...placeOf(error),
      extensions: { code: 'INTERNAL_SERVER_ERROR', errorId, unexpected: true },
    });
  };
}

/**
 * Gives errors of parsing and validation their codes. It has to run before Yoga's document cache keeps them: an error
 * first met on a socket is thrown again, as it is, for HTTP.
 */
export function useErrorCodes(): Plugin {
  return {
    onParse() {
      return ({ result, replaceParseResult }) => {
        if (result instanceof GraphQLError) {
          replaceParseResult(withCode(result, 'GRAPHQL_PARSE_FAILED'));
        }
      };
    },
    onValidate() {
      return ({ valid, result, setResult }) => {
        if (!valid) setResult(result.map(validationError));
      };
    },
  };
}

/** An error as the log may have it: no key, no token, and no URL, which may be a signed link. */
export function loggable(error: unknown): Record<string, unknown> {
  if (!(error instanceof Error)) return { type: typeof error, message: redact(String(error)) };
  return { type: error.name, message: redact(error.message), stack: redact(error.stack ?? '') };
}

function publicError(error: unknown): GraphQLError | null {
  const cause = causeOf(error);
  if (cause instanceof UpstreamError) return fromGatewayError(toGatewayError(cause), error);
  if (cause instanceof GatewayError) return fromGatewayError(cause, error);
  if (!(error instanceof GraphQLError)) return null;
  if (cause instanceof GraphQLError && typeof error.extensions['code'] === 'string') return error;
  return isAboutInput(error) ? withCode(error, 'BAD_USER_INPUT') : null;
}

function fromGatewayError(known: GatewayError, thrown: unknown): GraphQLError {
  const isInput = thrown instanceof GraphQLError && isAboutInput(thrown);
  return new GraphQLError(thrown instanceof GraphQLError ? thrown.message : known.message, {
    ...placeOf(thrown),
    extensions: { ...known.extensions, code: known.code, ...(isInput ? BAD_REQUEST : {}) },
  });
}

function validationError(error: Error): GraphQLError {
  if (!(error instanceof GraphQLError)) return new GraphQLError(error.message);
  const cause = causeOf(error);
  if (cause instanceof GatewayError) return withCode(error, cause.code);
  return typeof error.extensions['code'] === 'string' ? error : withCode(error, 'GRAPHQL_VALIDATION_FAILED');
}

/** `spec`: 400 only for clients that asked for application/graphql-response+json, as GraphQL over HTTP wants it. */
const BAD_REQUEST = { http: { status: 400, spec: true } };

function withCode(error: GraphQLError, code: string): GraphQLError {
  return new GraphQLError(error.message, {
    ...placeOf(error),
    extensions: { ...error.extensions, code, ...BAD_REQUEST },
  });
}

function placeOf(error: unknown) {
  if (!(error instanceof GraphQLError)) return {};
  return { nodes: error.nodes ?? null, source: error.source, positions: error.positions, path: error.path };
}

function causeOf(error: unknown): unknown {
  let cause = error;
  while (cause instanceof GraphQLError && cause.originalError !== undefined) cause = cause.originalError;
  return cause;
}

const INPUT_NODES: ReadonlySet<string> = new Set([
  Kind.VARIABLE_DEFINITION,
  Kind.VARIABLE,
  Kind.ARGUMENT,
  Kind.INT,
  Kind.FLOAT,
  Kind.STRING,
  Kind.BOOLEAN,
  Kind.NULL,
  Kind.ENUM,
  Kind.LIST,
  Kind.OBJECT,
  Kind.OBJECT_FIELD,
]);

/** graphql-js gives no code to a value it cannot coerce, but it says which node of the document brought it. */
function isAboutInput(error: GraphQLError): boolean {
  const node = error.nodes?.[0];
  return node !== undefined && INPUT_NODES.has(node.kind);
}

function redact(text: string): string {
  return text
    .replace(/\bhttps?:\/\/[^\s'")\]]+/g, '[url]')
    .replace(/\b(?:sk|rk)_(?:test|live)_\w+/g, '[key]')
    .replace(/\bsignature=[\w-]+/g, 'signature=[signature]')
    .replace(/\b(Bearer|Basic)\s+[^\s'"]+/gi, '$1 [token]');
}
