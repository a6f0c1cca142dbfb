import { type Client, createClient } from 'graphql-ws';
import { WebSocket } from 'ws';
import type { GraphQLAnswer } from '../support/gateway.js';

/** One graphql-ws socket. */
export interface TestSocket {
  /** The answers of an operation until it completes, at least one. */
  run<Data>(query: string, variables?: Record<string, unknown>): Promise<GraphQLAnswer<Data>[]>;
  /** How often a connection was made: more than once if the socket had died in between. */
  readonly connections: () => number;
  close(): Promise<void>;
}

export function openSocket(url: string): TestSocket {
  let connections = 0;
  const client: Client = createClient({
    url: url.replace(/^http/, 'ws'),
    webSocketImpl: WebSocket,
    lazy: false,
    retryAttempts: 5,
    on: {
      connected: () => {
        connections += 1;
      },
    },
  });
  return {
    run<Data>(query: string, variables: Record<string, unknown> = {}) {
      const answers: GraphQLAnswer<Data>[] = [];
      return new Promise<GraphQLAnswer<Data>[]>((resolve, reject) => {
        client.subscribe(
          { query, variables },
          {
            // As it came over the wire: the client's own types are not what is tested.
            next: (answer) => answers.push(JSON.parse(JSON.stringify(answer)) as GraphQLAnswer<Data>),
            error: reject,
            complete: () => resolve(answers),
          },
        );
      });
    },
    connections: () => connections,
    async close() {
      await client.dispose();
    },
  };
}
