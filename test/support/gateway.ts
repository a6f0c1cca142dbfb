import { pino } from 'pino';
import type { Services } from '../../src/context.js';
import { openGateway } from '../../src/gateway.js';
import { makeDatabase } from './databases.js';

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
  /** Kept afterwards, as is what `database` names; without either the ledger is a new one, on the engine of this run. */
  readonly ledgerFile?: string;
  readonly monthlyReads?: number;
  /** A DATABASE_URL. */
  readonly database?: string;
  readonly fileSigningKeys?: readonly Uint8Array[];
  /** None unless told otherwise: then there is no /webhooks/stripe. */
  readonly webhookSecrets?: readonly string[];
  readonly logTo?: NodeJS.WritableStream;
}

export async function startTestGateway(options: TestGatewayOptions): Promise<TestGateway> {
  const given = options.ledgerFile === undefined ? options.database : `file:${options.ledgerFile}`;
  const own = given === undefined ? await makeDatabase() : null;
  const log =
    options.logTo === undefined ? pino({ level: 'silent' }) : pino({ level: 'debug' }, options.logTo);
  const gateway = await openGateway({
    apiKey: options.apiKey ?? 'sk_test_test',
    base: new URL(options.upstream),
    accountId: null,
    v2Version: '2026-04-22.dahlia',
    v2Reports: [],
    monthlyReads: options.monthlyReads ?? null,
    retentionDays: 90,
    database: given ?? own?.url ?? '',
    webhookSecrets: options.webhookSecrets ?? [],
    graphiql: false,
    introspection: true,
    allowedHosts: [],
    fileSigningKeys: options.fileSigningKeys ?? [],
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
      await own?.drop();
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
