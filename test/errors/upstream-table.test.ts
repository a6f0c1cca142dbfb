import { describe, expect, test } from 'vitest';
import { CREATE, V1_RUNS, V2_RUNS, v1Input, v2Input } from '../create/operations.js';
import { type GraphQLAnswer, startTestGateway } from '../support/gateway.js';
import { startTestSandbox, type TestSandbox } from '../support/sandbox.js';
import { openSocket } from './socket.js';

/** What must never be seen by a client: it is in every answer that Stripe gives here. */
const SECRETS = 'of sk_test_test, Bearer c2tfdGVzdF90ZXN0Og==, https://dashboard.stripe.com/logs/req_1';
const BODY = {
  error: {
    type: 'invalid_request_error',
    message: `No good, because ${SECRETS}`,
    request_log_url: 'https://dashboard.stripe.com/logs/req_1',
    stack: 'Error\n    at handler (/srv/stripe/app.js:1:1)',
  },
};
const LEAKS = [
  /https?:/,
  /sk_test/,
  /c2tf/,
  /dashboard/,
  /127\.0\.0\.1/,
  /\bat .*:\d+:\d+/,
  /\.[jt]s\b/,
  /authorization|stripe-version/i,
];

interface Row {
  readonly name: string;
  readonly fault: object;
  readonly code: string;
  /** Whether Stripe's request id arrived. */
  readonly answered: boolean;
  /** Whether a POST that ended so may have had an effect. */
  readonly unknown: boolean;
}

const status = (code: number): object => ({ kind: 'error', status: code, body: BODY });
const ROWS: readonly Row[] = [
  // First, because it takes the 10 s of a POST, in which the others are done.
  {
    name: 'time-out',
    fault: { kind: 'timeout' },
    code: 'UPSTREAM_UNAVAILABLE',
    answered: false,
    unknown: true,
  },
  { name: '401', fault: status(401), code: 'UNAUTHENTICATED', answered: true, unknown: false },
  { name: '403', fault: status(403), code: 'FORBIDDEN', answered: true, unknown: false },
  { name: '409', fault: status(409), code: 'UPSTREAM_UNAVAILABLE', answered: true, unknown: true },
  { name: '500', fault: status(500), code: 'UPSTREAM_UNAVAILABLE', answered: true, unknown: true },
  { name: 'reset', fault: { kind: 'reset' }, code: 'UPSTREAM_UNAVAILABLE', answered: false, unknown: true },
  {
    name: 'truncated',
    fault: { kind: 'truncated' },
    code: 'UPSTREAM_UNAVAILABLE',
    answered: true,
    unknown: true,
  },
  {
    name: 'not JSON',
    fault: { kind: 'not_json', body: `<p>${SECRETS}</p>` },
    code: 'UPSTREAM_CONTRACT',
    answered: true,
    unknown: true,
  },
];

const APIS = [
  { api: 'V1', prefix: 'frr_1', input: v1Input },
  { api: 'V2', prefix: 'reprun_', input: v2Input },
] as const;

/** Every request for runs fails from now on; the account and the catalogues can be read. */
async function failRuns(sandbox: TestSandbox, fault: object): Promise<void> {
  const paths = [V1_RUNS, `${V1_RUNS}/*`, `${V2_RUNS}/*`, '/v2/core/events'];
  const requests = [
    ...paths.map((path) => ({ method: 'GET', path })),
    ...[V1_RUNS, V2_RUNS].map((path) => ({ method: 'POST', path })),
  ];
  for (const request of requests) await sandbox.control('POST', 'faults', { ...request, times: 0, ...fault });
}

type Answer = GraphQLAnswer<Record<string, unknown>>;
type Run = (query: string, variables?: Record<string, unknown>) => Promise<Answer[]>;

interface Answers {
  readonly retrieve: Answer[];
  readonly list: Answer[];
  readonly create: Answer[];
}

/** The operations that both HTTP and a socket take, at the same time. `word` makes ids that were not asked for before. */
async function operations(
  run: Run,
  { api, prefix, input }: (typeof APIS)[number],
  word: string,
): Promise<Answers> {
  const [retrieve, list, create] = await Promise.all([
    run('query ($id: ID!) { reportRun(id: $id) { id } }', { id: `${prefix}${word}` }),
    run('query ($api: StripeApi) { reportRuns(filter: { api: $api }) { nodes { id } } }', { api }),
    run(CREATE, { input: input(`${api} ${word}`) }),
  ]);
  return { retrieve, list, create };
}

const SUBSCRIBE = 'subscription ($id: ID!) { reportRunUpdated(id: $id) { id } }';
const REQUEST_ID: unknown = expect.stringMatching(/^req_\w+$/);
const TEXT: unknown = expect.any(String);
const KEYS: Readonly<Record<string, unknown>> = {
  V1: expect.stringMatching(/^V1 /),
  V2: expect.stringMatching(/^V2 /),
};
const PLACES: unknown = expect.any(Array);

function failed(path: string, extensions: object): object {
  return { message: TEXT, path: [path], locations: PLACES, extensions };
}

/** All that is asked for under a fault, over HTTP and one socket; and whether the socket lived on. */
async function askUnder(fault: object) {
  const sandbox = await startTestSandbox({ seed: false, runSeconds: 3600 });
  await failRuns(sandbox, fault);
  const gateway = await startTestGateway({ upstream: sandbox.origin });
  const socket = openSocket(gateway.url);
  try {
    const http: Run = async (query, variables) => [await gateway.query(query, variables)];
    const each = await Promise.all(
      APIS.map(async (api) => {
        const [byHttp, bySocket, subscribe] = await Promise.all([
          operations(http, api, 'http'),
          operations((query, variables) => socket.run(query, variables), api, 'socket'),
          socket.run<Record<string, unknown>>(SUBSCRIBE, { id: `${api.prefix}subscribed` }),
        ]);
        return { api: api.api, byHttp, bySocket, subscribe };
      }),
    );
    const alive = await socket.run('{ reportType(id: "balance.summary.1") { id } }');
    return { each, alive, connections: socket.connections() };
  } finally {
    await socket.close();
    // First, so that nobody waits for answers that do not come.
    await sandbox.close();
    await gateway.close();
  }
}

function expectNoLeak(answers: unknown): void {
  const text = JSON.stringify(answers);
  for (const leak of LEAKS) expect(text).not.toMatch(leak);
}

const ALIVE = [{ data: { reportType: { id: 'balance.summary.1' } } }];

describe.concurrent('what Stripe does, and what becomes of it', () => {
  test.each(ROWS)('$name', async ({ fault, code, answered, unknown }) => {
    const { each, alive, connections } = await askUnder(fault);
    expectNoLeak(each);
    const id = answered ? { stripeRequestId: REQUEST_ID } : {};
    for (const { api, byHttp, bySocket, subscribe } of each) {
      for (const { retrieve, list, create } of [byHttp, bySocket]) {
        expect(retrieve).toEqual([
          { data: { reportRun: null }, errors: [failed('reportRun', { code, ...id })] },
        ]);
        expect(list).toEqual([
          {
            data: { reportRuns: null },
            errors: [failed('reportRuns', { code, ...id })],
            extensions: {
              upstream: expect.objectContaining({ [api]: { state: expect.any(String), asOf: null } }),
            },
          },
        ]);
        expect(list[0]?.extensions?.['upstream']).not.toMatchObject({ [api]: { state: 'READY' } });
        const outcome = unknown ? { outcome: 'UNKNOWN', idempotencyKey: KEYS[api] } : {};
        expect(create).toEqual([
          { data: null, errors: [failed('createReportRun', { code, ...id, ...outcome })] },
        ]);
      }
      expect(subscribe).toEqual([{ errors: [failed('reportRunUpdated', { code, ...id })] }]);
    }
    expect(alive).toEqual(ALIVE);
    expect(connections).toBe(1);
  });

  test('404', async () => {
    const { each, alive, connections } = await askUnder(status(404));
    expectNoLeak(each);
    for (const { api, byHttp, bySocket, subscribe } of each) {
      for (const { retrieve, list, create } of [byHttp, bySocket]) {
        expect(retrieve).toEqual([{ data: { reportRun: null } }]);
        // A list has no object that could be missing.
        const broken = { code: 'UPSTREAM_CONTRACT', stripeRequestId: REQUEST_ID };
        expect(list).toMatchObject([{ data: { reportRuns: null }, errors: [failed('reportRuns', broken)] }]);
        const path = api === 'V1' ? ['v1', 'reportType'] : ['v2', 'report'];
        const userErrors = [{ __typename: 'InvalidInputError', message: TEXT, path }];
        expect(create).toEqual([{ data: { createReportRun: { reportRun: null, userErrors } } }]);
      }
      expect(subscribe).toEqual([{ errors: [failed('reportRunUpdated', { code: 'NOT_FOUND' })] }]);
    }
    expect(alive).toEqual(ALIVE);
    expect(connections).toBe(1);
  });
});

test('429: all say when to try again, whether Stripe refused them or the gateway did not even ask', async () => {
  const { each, alive, connections } = await askUnder(status(429));
  expectNoLeak(each);
  const limited = { extensions: { code: 'UPSTREAM_RATE_LIMITED', retryAfter: expect.any(Number) } };
  for (const { byHttp, bySocket, subscribe } of each) {
    for (const { retrieve, list, create } of [byHttp, bySocket]) {
      expect(retrieve).toMatchObject([{ data: { reportRun: null }, errors: [limited] }]);
      expect(list).toMatchObject([{ data: { reportRuns: null }, errors: [limited] }]);
      expect(create).toMatchObject([{ data: null, errors: [limited] }]);
      expect(JSON.stringify(create)).not.toContain('UNKNOWN');
    }
    expect(subscribe).toMatchObject([{ errors: [limited] }]);
  }
  expect(alive).toEqual(ALIVE);
  expect(connections).toBe(1);
});

test('a malformed id in a subscription is BAD_USER_INPUT, and the socket lives on', async () => {
  const sandbox = await startTestSandbox({ seed: false });
  const gateway = await startTestGateway({ upstream: sandbox.origin });
  const socket = openSocket(gateway.url);
  try {
    for (const id of ['', 'frr_', 'balance.summary.1', 'frr_1/../x']) {
      expect(await socket.run(SUBSCRIBE, { id })).toEqual([
        { errors: [failed('reportRunUpdated', { code: 'BAD_USER_INPUT' })] },
      ]);
    }
    expect(await socket.run('{ reportType(id: "balance.summary.1") { id } }')).toEqual(ALIVE);
    expect(socket.connections()).toBe(1);
    const paths = (await sandbox.requests()).map(({ path }) => path);
    expect(paths.filter((path) => path.startsWith(`${V1_RUNS}/`))).toEqual([]);
  } finally {
    await socket.close();
    await gateway.close();
    await sandbox.close();
  }
});
