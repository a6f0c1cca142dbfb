import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pino } from 'pino';
import type { Services } from '../../src/context.js';
import { openGateway } from '../../src/gateway.js';

export interface GraphQLAnswer<Data> {
  readonly data?: Data | null;
  readonly errors?: readonly {
    readonly message: string;
    readonly path?: readonly (string | number)[];
    readonly extensions?: Record<string, unknown>;
  }[];
  readonly extensions?: Record<string, unknown>;
}

/** A gateway in this process, reached over HTTP like any other. */
export interface TestGateway {
  readonly url: string;
  readonly services: Services;
  query<Data = Record<string, never>>(
    query: string,
    variables?: Record<string, unknown>,
  ): Promise<GraphQLAnswer<Data>>;
  close(): Promise<void>;
}

export interface TestGatewayOptions {
  /** The origin of the sandbox. */
  readonly upstream: string;
  /** `sk_test_<name>` is account `acct_<name>`. */
  readonly apiKey?: string;
  /** Kept afterwards; without it the ledger is a temporary file. */
  readonly ledgerFile?: string;
  readonly monthlyReads?: number;
  readonly logTo?: NodeJS.WritableStream;
}

export async function startTestGateway(options: TestGatewayOptions): Promise<TestGateway> {
  const folder = await mkdtemp(join(tmpdir(), 'gateway-test-'));
  const log =
    options.logTo === undefined ? pino({ level: 'silent' }) : pino({ level: 'debug' }, options.logTo);
  const gateway = await openGateway({
    apiKey: options.apiKey ?? 'sk_test_test',
    base: new URL(options.upstream),
    accountId: null,
    v2Version: '2026-04-22.dahlia',
    v2Reports: [],
    ledgerFile: options.ledgerFile ?? join(folder, 'ledger.db'),
    monthlyReads: options.monthlyReads ?? null,
    graphiql: false,
    introspection: true,
    allowedHosts: [],
    log,
  });
  const port = await gateway.listen(0, '127.0.0.1');
  const url = `http://127.0.0.1:${port}/graphql`;
  return {
    url,
    services: gateway.services,
    query: (query, variables) => post(url, query, variables),
    async close() {
      await gateway.close();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

/** Sends an operation as JSON and gives the GraphQL answer, whatever the status. */
export async function post<Data>(
  url: string,
  query: string,
  variables?: Record<string, unknown>,
): Promise<GraphQLAnswer<Data>> {
  const answer = await fetch(url, {
    method: 'POST',
    headers: { 'content-type': 'application/json', accept: 'application/graphql-response+json' },
    body: JSON.stringify({ query, variables }),
  });
  return (await answer.json()) as GraphQLAnswer<Data>;
}
