import {
  GraphQLError,
  GraphQLID,
  GraphQLInt,
  GraphQLNonNull,
  GraphQLObjectType,
  GraphQLScalarType,
  GraphQLSchema,
  GraphQLString,
  Kind,
} from 'graphql';
import type { Context } from '../../src/context.js';
import { badUserInput, GatewayError, UpstreamError } from '../../src/models/errors.js';
import type { ReportRun } from '../../src/models/report-run.js';

/** A number of which the caller's own value is refused with one of our errors. */
const Even = new GraphQLScalarType({
  name: 'Even',
  parseValue: even,
  parseLiteral: (node) => even(node.kind === Kind.INT ? Number(node.value) : null),
});

function even(value: unknown): number {
  if (typeof value === 'number' && value % 2 === 0) return value;
  throw badUserInput('An even number is expected.');
}

const Nested: GraphQLObjectType = new GraphQLObjectType({
  name: 'Nested',
  fields: () => ({ nested: { type: Nested, resolve: () => ({}) }, value: { type: GraphQLString } }),
});

const Run = new GraphQLObjectType<ReportRun>({
  name: 'Run',
  fields: {
    id: { type: new GraphQLNonNull(GraphQLID) },
    status: {
      type: GraphQLString,
      resolve: ({ status }) => {
        if (status === 'FAILED') throw new GatewayError('UPSTREAM_UNAVAILABLE', 'Stripe is away.');
        return status;
      },
    },
  },
});

const Query = new GraphQLObjectType<unknown, Context>({
  name: 'Query',
  fields: {
    hello: {
      type: GraphQLString,
      args: { name: { type: GraphQLString } },
      resolve: (_, { name }) => `Hello ${name}`,
    },
    even: { type: GraphQLInt, args: { number: { type: Even } }, resolve: (_, { number }) => number },
    origin: { type: GraphQLString, resolve: (_root, _args, { origin }) => origin },
    fresh: {
      type: GraphQLString,
      resolve: (_root, _args, context) => {
        context.reportUpstream = true;
        return 'yes';
      },
    },
    nested: { type: Nested, resolve: () => ({}) },
    bug: {
      type: GraphQLString,
      resolve: fail(new TypeError('sk_test_secret at https://files.example/x?sig=1')),
    },
    uncoded: { type: GraphQLString, resolve: fail(new GraphQLError('internal words')) },
    missing: { type: GraphQLString, resolve: fail(new GatewayError('NOT_FOUND', 'There is no such thing.')) },
    limited: {
      type: GraphQLString,
      resolve: fail(
        new UpstreamError('rate_limited', 'Stripe says wait.', { status: 429, requestId: 'req_1' }),
      ),
    },
    unknown: {
      type: GraphQLString,
      resolve: fail(
        new GatewayError('UPSTREAM_UNAVAILABLE', 'Nobody knows.', {
          outcome: 'UNKNOWN',
          idempotencyKey: 'key-1',
        }),
      ),
    },
    _service: { type: GraphQLString, resolve: () => 'the SDL' },
  },
});

const Mutation = new GraphQLObjectType({
  name: 'Mutation',
  fields: { touch: { type: GraphQLString, resolve: () => 'touched' } },
});

const Subscription = new GraphQLObjectType<unknown, Context>({
  name: 'Subscription',
  fields: {
    run: {
      type: Run,
      args: { id: { type: new GraphQLNonNull(GraphQLID) } },
      subscribe: (_root, { id }, { services }) => services.runs.follow(id),
      resolve: (event) => event,
    },
  },
});

/** One field for each way in which an operation can go well or badly. */
export const schema = new GraphQLSchema({ query: Query, mutation: Mutation, subscription: Subscription });

function fail(error: Error): () => never {
  return () => {
    throw error;
  };
}

/** Runs that change when the test says so. */
export interface Feed {
  follow(id: string): AsyncIterable<ReportRun>;
  /** Sends an event to every follower of the run. */
  push(id: string, status: ReportRun['status']): void;
  /** Followers that neither left nor were ended. */
  count(): number;
  /** Completes every stream, as the watchers do at shutdown. */
  end(): void;
}

export function createFeed(): Feed {
  const followers = new Set<{
    readonly id: string;
    take(result: IteratorResult<ReportRun, undefined>): void;
  }>();
  return {
    follow(id) {
      if (id === 'nobody') throw new GatewayError('NOT_FOUND', 'There is no run nobody.');
      const ready: IteratorResult<ReportRun, undefined>[] = [];
      const waiting: ((result: IteratorResult<ReportRun, undefined>) => void)[] = [];
      const follower = {
        id,
        take(result: IteratorResult<ReportRun, undefined>) {
          const next = waiting.shift();
          if (next === undefined) ready.push(result);
          else next(result);
        },
      };
      followers.add(follower);
      const finish = () => {
        followers.delete(follower);
        for (const next of waiting.splice(0)) next({ done: true, value: undefined });
        return Promise.resolve({ done: true as const, value: undefined });
      };
      return {
        [Symbol.asyncIterator]: () => ({
          next: () => {
            const result = ready.shift();
            if (result !== undefined) return Promise.resolve(result);
            return new Promise((resolve) => {
              waiting.push(resolve);
            });
          },
          return: finish,
        }),
      };
    },
    push(id, status) {
      for (const follower of followers) {
        if (follower.id === id) follower.take({ done: false, value: runOf(id, status) });
      }
    },
    count: () => followers.size,
    end() {
      for (const follower of followers) {
        followers.delete(follower);
        follower.take({ done: true, value: undefined });
      }
    },
  };
}

/** A v2 run; with a file where it has SUCCEEDED. */
export function runOf(id: string, status: ReportRun['status'], size = 4n): ReportRun {
  return {
    api: 'V2',
    id,
    livemode: false,
    status,
    createdAt: 0,
    finishedAt: null,
    reportTypeId: 'report_x',
    reportName: 'X',
    parameters: { intervalStart: null, intervalEnd: null, raw: {} },
    resultOptions: null,
    result:
      status === 'SUCCEEDED'
        ? {
            type: 'FILE',
            file: {
              runId: id,
              contentType: 'CSV',
              size,
              filename: null,
              fileId: null,
              title: null,
              createdAt: null,
              expiresAt: null,
            },
          }
        : null,
    failure: null,
  };
}
