import { afterEach, beforeEach, expect, inject, test } from 'vitest';
import { CREATE, v1Input, v2Input } from '../create/operations.js';
import { makeDatabase, type TestDatabase } from '../support/databases.js';
import { type GraphQLAnswer, startTestGateway, type TestGateway } from '../support/gateway.js';
import { startTestSandbox, type TestSandbox } from '../support/sandbox.js';

let sandbox: TestSandbox;
let database: TestDatabase;
let gateways: TestGateway[];

beforeEach(async () => {
  database = await makeDatabase();
  sandbox = await startTestSandbox({ seed: false, runSeconds: 3600 });
  await sandbox.control('POST', 'settings', { v2ConcurrentRuns: 1_000 });
  // A file is for one process.
  const count = inject('engine') === 'postgres' ? 2 : 1;
  const options = { upstream: sandbox.origin, database: database.url };
  gateways = await Promise.all(Array.from({ length: count }, () => startTestGateway(options)));
});
afterEach(async () => {
  await Promise.all(gateways.map((gateway) => gateway.close()));
  await sandbox.close();
  await database.drop();
});

type Answer = GraphQLAnswer<Record<string, unknown>>;

test('200 look-ups, lists and creates at once: Stripe refuses none, and whoever has no turn is told when to come again', async () => {
  const operations = Array.from({ length: 200 }, (_, index): Promise<Answer> => {
    const gateway = gateways[index % gateways.length];
    if (gateway === undefined) throw new Error('no gateway was started');
    if (index % 10 === 0) return gateway.query(CREATE, { input: v1Input(`v1 ${index}`) });
    if (index % 10 === 1) return gateway.query(CREATE, { input: v2Input(`v2 ${index}`) });
    if (index % 10 === 2) return gateway.query('{ reportRuns { nodes { id } } }');
    const id = index % 2 === 0 ? `frr_1unknown${index}` : `reprun_unknown${index}`;
    return gateway.query('query ($id: ID!) { reportRun(id: $id) { id } }', { id });
  });
  const answers = await Promise.all(operations);
  const requests = await sandbox.requests();
  expect(requests.filter(({ status }) => status === 429)).toEqual([]);
  const errors = answers.flatMap((answer) => answer.errors ?? []);
  expect(errors.length).toBeGreaterThan(50);
  for (const { extensions } of errors) {
    expect(extensions).toMatchObject({ code: 'UPSTREAM_RATE_LIMITED', retryAfter: expect.any(Number) });
    // A create that got no turn has had no effect.
    expect(extensions).not.toHaveProperty('outcome');
  }
  const creates = answers.filter((_, index) => index % 10 < 2);
  const created = creates.filter(({ errors: refused }) => refused === undefined).length;
  const { runs } = await sandbox.control<{ runs: unknown[] }>('GET', 'runs?account=acct_test');
  expect(runs).toHaveLength(created);
  // Lists are answered from the ledger.
  for (const list of answers.filter((_, index) => index % 10 === 2)) expect(list.errors).toBeUndefined();
});
