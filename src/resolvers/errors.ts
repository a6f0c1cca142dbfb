import { GraphQLError } from 'graphql';
import { GatewayError, toGatewayError, UpstreamError } from '../models/errors.js';

/**
 * The error to show for whatever was thrown, or null for what is not meant for clients and has to be masked.
 * Our own errors get their `extensions.code`; a GraphQLError that wraps one keeps its message, path and locations.
 */
export function toGraphQLError(error: unknown): GraphQLError | null {
  if (error instanceof UpstreamError) return toGraphQLError(toGatewayError(error));
  if (error instanceof GatewayError) {
    return new GraphQLError(error.message, { extensions: { ...error.extensions, code: error.code } });
  }
  if (!(error instanceof GraphQLError)) return null;
  if (error.originalError === undefined || error.originalError === null) return error;
  const cause = toGraphQLError(error.originalError);
  if (cause === null) return null;
  const { nodes, source, positions, path } = error;
  return new GraphQLError(error.message, {
    nodes: nodes ?? null,
    source: source ?? null,
    positions: positions ?? null,
    path: path ?? null,
    extensions: cause.extensions,
  });
}

/** A value a client sent, short enough for a sentence. */
export function quote(value: unknown): string {
  const text = JSON.stringify(value) ?? String(value);
  return text.length <= 80 ? text : `${text.slice(0, 77)}…`;
}
