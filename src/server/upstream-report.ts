import type { ExecutionResult } from 'graphql';
import { isAsyncIterable, type Plugin } from 'graphql-yoga';
import type { Context, Services } from '../context.js';
import type { UpstreamState } from '../models/upstream-state.js';

/** Adds `extensions.upstream` to the results of operations whose answer depends on how fresh the ledger is. */
export function useUpstreamReport(): Plugin<Context> {
  return {
    onExecute() {
      return {
        onExecuteDone({ args, result, setResult }) {
          if (isAsyncIterable(result) || !args.contextValue.reportUpstream) return;
          setResult(withReport(result, args.contextValue.services));
        },
      };
    },
  };
}

function withReport(result: ExecutionResult, services: Services): ExecutionResult {
  const { V1, V2 } = services.runs.upstream();
  const upstream = { V1: printed(V1), V2: printed(V2) };
  return { ...result, extensions: { ...result.extensions, upstream } };
}

function printed({ state, asOf }: UpstreamState) {
  return { state, asOf: asOf === null ? null : new Date(asOf).toISOString() };
}
