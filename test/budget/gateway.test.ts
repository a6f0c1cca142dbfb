import { afterEach, beforeEach, expect, test } from 'vitest';
import { CREATE, v1Input, v2Input } from '../create/operations.js';
import { type GraphQLAnswer, startTestGateway, type TestGateway } from '../support/gateway.js';
import { startTestSandbox, type TestSandbox } from '../support/sandbox.js';

let sandbox: TestSandbox;
let gateway: TestGateway;

beforeEach(async () => {
  sandbox = await startTestSandbox({ seed: false, runSeconds: 3600 });
  await sandbox.control('POST', 'settings', { v2ConcurrentRuns: 1_000 });
  gateway = await startTestGateway({ upstream: sandbox.origin });
});
afterEach(async () => {
  await gateway.close();
  await sandbox.close();
});

type Answer = GraphQLAnswer<Record<string, unknown>>;

test('200 look-ups, lists and creates at once: Stripe refuses none, and whoever has no turn is told when to come again', async () => {
  const operations = Array.from({ length: 200 }, (_, index): Promise<Answer> => {
    if (index % 10 === 0) return gateway.query(CREATE, { input: v1Input(`v1 ${index}`) });
    if (index % 10 === 1) return gateway.query(CREATE, { input: v2Input(`v2 ${index}`) });
    if (index % 10 === 2) return gateway.query('{ reportRuns { nodes { id } } }');
    const id = index % 2 === 0 ? `frr_1unknown${index}` : `reprun_unknown${index}`;
    return gateway.query('query ($id: ID!) { reportRun(id: $id) { id } }', { id });
  });
  const started = performance.now();
  const answers = await Promise.all(operations);
  expect(performance.now() - started).toBeLessThan(10_000);
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
