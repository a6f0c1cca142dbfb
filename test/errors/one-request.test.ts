import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { created, v1Input, v2Input } from '../create/operations.js';
import { startTestGateway, type TestGateway } from '../support/gateway.js';
import { startTestSandbox, type TestSandbox } from '../support/sandbox.js';

let sandbox: TestSandbox;
let gateway: TestGateway;
let accounts = 0;

beforeAll(async () => {
  sandbox = await startTestSandbox({ seed: false, runSeconds: 3600 });
  await sandbox.control('POST', 'settings', { v2ConcurrentRuns: 100 });
});

afterAll(() => sandbox.close());

beforeEach(async () => {
  // An account of its own: a new ledger knows nothing of the calls that were made for another gateway within the same second.
  accounts += 1;
  gateway = await startTestGateway({ upstream: sandbox.origin, apiKey: `sk_test_one${accounts}` });
  // Its first look at the list and the events is not what is counted here.
  await gateway.query('{ reportRuns { nodes { id } } }');
  await sandbox.control('DELETE', 'requests');
  return () => gateway.close();
});

async function paths(): Promise<string[]> {
  return (await sandbox.requests()).map(({ method, path }) => `${method} ${path}`);
}

/** Names a run ten times: by alias, by `node` and in `nodes`. */
function tenTimes(id: string): string {
  const aliases = Array.from({ length: 4 }, (_, index) => `a${index}: reportRun(id: "${id}") { id status }`);
  const nodes = Array.from({ length: 3 }, () => `"${id}"`).join(' ');
  return `{ ${aliases.join(' ')} b: node(id: "${id}") { id } c: node(id: "${id}") { ... on ReportRun { status } }
    nodes(ids: [${nodes}]) { id } d: nodes(ids: ["${id}"]) { id } }`;
}

async function addRun(api: 'V1' | 'V2'): Promise<string> {
  await sandbox.control('POST', 'settings', { events: false });
  const { ids } = await sandbox.control<{ ids: string[] }>('POST', 'runs', {
    account: `acct_one${accounts}`,
    api,
    count: 1,
    status: 'running',
    lateMs: 3_600_000,
  });
  return ids[0] ?? '';
}

test.each([
  ['V1', '/v1/reporting/report_runs'],
  ['V2', '/v2/reporting/report_runs'],
] as const)('a query that names one %s run ten times asks Stripe once', async (api, path) => {
  const id = await addRun(api);
  const { data, errors } = await gateway.query<Record<string, unknown>>(tenTimes(id));
  expect(errors).toBeUndefined();
  expect(data).toMatchObject({
    a0: { id, status: 'RUNNING' },
    a3: { id, status: 'RUNNING' },
    b: { id },
    c: { status: 'RUNNING' },
    nodes: [{ id }, { id }, { id }],
    d: [{ id }],
  });
  expect(await paths()).toEqual([`GET ${path}/${id}`]);
});

test('an unknown run named ten times, and asked for again within the minute, is asked for once', async () => {
  const query = tenTimes('frr_1unknown');
  for (const { data } of [
    await gateway.query<{ a0: unknown }>(query),
    await gateway.query<{ a0: unknown }>(query),
  ])
    expect(data?.a0).toBeNull();
  expect(await paths()).toEqual(['GET /v1/reporting/report_runs/frr_1unknown']);
});

test('queries at the same time share the request for a run', async () => {
  const id = await addRun('V1');
  const query = `{ reportRun(id: "${id}") { id } }`;
  const answers = await Promise.all(Array.from({ length: 10 }, () => gateway.query(query)));
  expect(answers).toEqual(answers.map(() => ({ data: { reportRun: { id } } })));
  expect(await paths()).toEqual([`GET /v1/reporting/report_runs/${id}`]);
});

test('of a run that has ended, Stripe is asked once and never again', async () => {
  const id = await addRun('V1');
  await sandbox.control('POST', `runs/${id}/finish`, { outcome: 'succeeded' });
  for (let time = 0; time < 3; time += 1) {
    expect(await gateway.query(`{ reportRun(id: "${id}") { status } }`)).toEqual({
      data: { reportRun: { status: 'SUCCEEDED' } },
    });
  }
  expect(await paths()).toEqual([`GET /v1/reporting/report_runs/${id}`]);
});

test('report types cost one list in v1, and one request each in v2, known or not', async () => {
  const types = Array.from(
    { length: 10 },
    (_, index) => `t${index}: reportType(id: "no.such.${index}") { id }`,
  );
  const known =
    'k: reportType(id: "balance.summary.1") { name } l: reportType(id: "balance.summary.2") { name }';
  const reports =
    'r: reportType(id: "report_none") { id } s: reportType(id: "report_test_balance_summary") { name }';
  const query = `{ ${types.join(' ')} ${known} ${reports} }`;
  for (let time = 0; time < 2; time += 1) {
    const { data } = await gateway.query<Record<string, unknown>>(query);
    expect(data).toMatchObject({ t0: null, t9: null, k: { name: expect.any(String) }, r: null });
  }
  expect((await paths()).sort()).toEqual([
    'GET /v1/reporting/report_types',
    'GET /v2/reporting/reports/report_none',
    'GET /v2/reporting/reports/report_test_balance_summary',
  ]);
});

test('runs of one page that are of the same report type read it once', async () => {
  for (let count = 0; count < 3; count += 1) {
    await created(gateway, v1Input(null));
    await created(gateway, v2Input(null));
  }
  await sandbox.control('DELETE', 'requests');
  const { data } = await gateway.query<{ reportRuns: { nodes: unknown[] } }>(
    '{ reportRuns { nodes { reportType { name ... on ReportTypeV2 { parameterDefinitions { name } } } } } }',
  );
  expect(data?.reportRuns.nodes).toHaveLength(6);
  // Creating has read both: they are good for ten minutes.
  expect((await paths()).filter((path) => /report_types|reports/.test(path))).toEqual([]);
});

test('guessing the ids of reports costs ten requests, and leaves the limit to the others', async () => {
  const guesses = Array.from({ length: 100 }, (_, index) => `"report_guess${index}"`).join(' ');
  const { data, errors } = await gateway.query<{ nodes: unknown[] }>(`{ nodes(ids: [${guesses}]) { id } }`);
  expect(data?.nodes).toEqual(Array.from({ length: 100 }, () => null));
  expect(errors?.length).toBe(90);
  for (const { extensions } of errors ?? [])
    expect(extensions).toEqual({ code: 'UPSTREAM_RATE_LIMITED', retryAfter: 1 });
  expect(new Set((await paths()).filter((path) => path.includes('report_guess'))).size).toBe(10);
});

test('a repeated create gets its run, whatever the catalogue says by now', async () => {
  const first = await created(gateway, v1Input('repeated'));
  await sandbox.control('POST', 'faults', {
    path: '/v1/reporting/report_types*',
    kind: 'error',
    status: 403,
    times: 0,
  });
  const again = await created(gateway, v1Input('repeated'));
  await sandbox.control('DELETE', 'faults');
  expect(again.id).toBe(first.id);
});
