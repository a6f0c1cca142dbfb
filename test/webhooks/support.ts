import { request } from 'node:http';
import { onTestFinished } from 'vitest';
import { openEngine } from '../../src/ledger/open-engine.js';
import { testDatabaseUrl } from '../support/databases.js';
import { startTestGateway, type TestGateway } from '../support/gateway.js';
import { startTestSandbox, type TestSandbox } from '../support/sandbox.js';
import { until } from '../support/until.js';
import { OTHER_SECRET, SECRET, sign } from './events.js';

export const ACCOUNT = 'acct_hooks';

/** A row of the ledger, as far as these tests look at it. */
export interface Row {
  readonly id: string;
  readonly api: string;
  readonly status: string | null;
  readonly finished: number | null;
  readonly version: number;
  readonly body: string | null;
}

export interface Posted {
  readonly status: number;
  readonly text: string;
}

/** A sandbox and a gateway of one of its accounts that takes webhooks; what was asked at the start is over. */
export interface Setup {
  readonly sandbox: TestSandbox;
  readonly gateway: TestGateway;
  /** Where Stripe posts. */
  readonly hook: string;
  /** Makes runs, running unless told otherwise. */
  readonly make: (options: Record<string, unknown>) => Promise<string[]>;
  /** How often Stripe was asked for something. */
  readonly asked: (path: string | RegExp) => Promise<number>;
  /** The ledger's rows, once the gateway is closed; it is closed for this. */
  readonly rows: () => Promise<readonly Row[]>;
}

export async function setUp(
  options: { secrets?: readonly string[]; database?: string; logTo?: NodeJS.WritableStream } = {},
): Promise<Setup> {
  const { secrets = [SECRET, OTHER_SECRET], logTo } = options;
  const database = options.database ?? (await testDatabaseUrl());
  const sandbox = await startTestSandbox({ seed: false, runSeconds: 600 });
  onTestFinished(() => sandbox.close());
  await sandbox.control('POST', 'settings', { limits: false, lateRunsMs: 0, lateEventsMs: 0 });
  const opened = await startTestGateway({
    upstream: sandbox.origin,
    apiKey: `sk_test_${ACCOUNT.slice('acct_'.length)}`,
    database,
    webhookSecrets: secrets,
    ...(logTo === undefined ? {} : { logTo }),
  });
  let closing: Promise<void> | null = null;
  const close = (): Promise<void> => (closing ??= opened.close());
  onTestFinished(close);
  const asked = async (path: string | RegExp): Promise<number> =>
    (await sandbox.requests()).filter((request) =>
      typeof path === 'string' ? request.path === path : path.test(request.path),
    ).length;
  await until(async () => (await asked('/v2/core/events')) > 0 && (await asked(LIST)) > 0);
  await settled(sandbox);
  return {
    sandbox,
    gateway: { ...opened, close },
    hook: opened.url.replace('/graphql', '/webhooks/stripe'),
    asked,
    async make({ api, ...rest }) {
      const status = api === 'V1' ? 'pending' : 'running';
      const wanted = { account: ACCOUNT, count: 1, status, api, ...rest };
      return (await sandbox.control<{ ids: string[] }>('POST', 'runs', wanted)).ids;
    },
    async rows() {
      await close();
      const engine = await openEngine(database);
      const rows = await engine.query<Row>(
        'select id, api, status, finished, version, body from runs order by id',
      );
      await engine.close();
      return rows;
    },
  };
}

const LIST = '/v1/reporting/report_runs';
export const V2_RUNS = '/v2/reporting/report_runs';

export const pathOf = (id: string): string => `${id.startsWith('frr_') ? LIST : V2_RUNS}/${id}`;

/** A failed run of which only a webhook can tell: neither lists nor events show it. */
export async function unheard({ sandbox, make }: Setup, api: string): Promise<string> {
  await sandbox.control('POST', 'settings', { events: false });
  const [id = ''] = await make({ api, status: 'failed', lateMs: 3_600_000 });
  return id;
}

/** Waits until the sandbox holds a request. */
export async function held({ sandbox }: Setup): Promise<void> {
  await until(async () => {
    const { faults } = await sandbox.control<{ faults: { held: number }[] }>('GET', 'faults');
    return faults.some((fault) => fault.held > 0);
  });
}

/** Waits until nothing more is asked of the sandbox. */
export async function settled(sandbox: TestSandbox, ms = 250): Promise<void> {
  for (let before = -1; ; ) {
    const now = (await sandbox.requests()).length;
    if (now === before) return;
    before = now;
    await pause(ms);
  }
}

export function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

interface PostOptions {
  readonly signature?: string | null;
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string>>;
}

/** Posts as Stripe does, under the name that Stripe was given. node:http, because fetch cannot choose `Host`. */
export function deliver(hook: string, body: string | Buffer, options: PostOptions = {}): Promise<Posted> {
  const { signature = sign(body.toString()), method = 'POST', headers = {} } = options;
  return new Promise((resolve, reject) => {
    const sent = request(
      hook,
      {
        method,
        agent: false,
        headers: {
          host: 'reports.example.com',
          'content-type': 'application/json; charset=utf-8',
          'user-agent': 'Stripe/1.0 (+https://stripe.com/docs/webhooks)',
          ...(signature === null ? {} : { 'stripe-signature': signature }),
          ...headers,
        },
      },
      (answer) => {
        const chunks: Buffer[] = [];
        answer.on('data', (chunk: Buffer) => chunks.push(chunk));
        answer.on('error', reject);
        answer.on('end', () =>
          resolve({ status: answer.statusCode ?? 0, text: Buffer.concat(chunks).toString() }),
        );
      },
    );
    // What is too long may be cut off once it is answered.
    sent.on('error', reject);
    sent.end(body);
  });
}

/** Posts a signed event; its status. */
export async function post({ hook }: Setup, body: string): Promise<number> {
  return (await deliver(hook, body, { signature: sign(body) })).status;
}
