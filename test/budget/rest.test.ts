import { afterEach, beforeEach, expect, test } from 'vitest';
import { V1_RUNS } from '../create/operations.js';
import { startTestGateway, type TestGateway, type TestGatewayOptions } from '../support/gateway.js';
import { type LoggedRequest, startTestSandbox, type TestSandbox } from '../support/sandbox.js';
import { until } from '../support/until.js';

let sandbox: TestSandbox;
let gateway: TestGateway | null;

beforeEach(async () => {
  sandbox = await startTestSandbox();
  gateway = null;
});
afterEach(async () => {
  await gateway?.close();
  await sandbox.close();
});

/** A gateway that has 3,000 ended runs to read in the background. */
async function start(options: Partial<TestGatewayOptions> = {}): Promise<TestGateway> {
  const runs = {
    account: 'acct_test',
    api: 'V1',
    count: 3_000,
    spacingMs: 60_000,
    createdAt: Date.now() - 3_600_000,
  };
  await sandbox.control('POST', 'runs', runs);
  gateway = await startTestGateway({ upstream: sandbox.origin, ...options });
  return gateway;
}

async function requests(wanted: (request: LoggedRequest) => boolean): Promise<readonly LoggedRequest[]> {
  return (await sandbox.requests()).filter(wanted);
}

const isBackfill = ({ path, query }: LoggedRequest): boolean =>
  path === V1_RUNS && query.includes('starting_after');
const isLookUp = ({ path }: LoggedRequest): boolean => path.startsWith(`${V1_RUNS}/`);
const LOOK_UP = 'query ($id: ID!) { reportRun(id: $id) { id } }';

test('look-ups overtake the reading of the history, which goes on meanwhile', async () => {
  const reader = await start();
  await until(async () => (await requests(isBackfill)).length >= 2);
  await sandbox.control('DELETE', 'requests');
  const answers = await Promise.all(
    Array.from({ length: 60 }, (_, index) => reader.query(LOOK_UP, { id: `frr_1none${index}` })),
  );
  const all = await sandbox.requests();
  expect(all.filter(({ status }) => status === 429)).toEqual([]);
  const served = answers.filter(({ errors }) => errors === undefined);
  expect(served.length).toBe(all.filter(isLookUp).length);
  expect(served.length).toBeGreaterThan(25);
  const last = all.findLastIndex(isLookUp);
  const meanwhile = all.slice(0, last).filter(isBackfill).length;
  expect(meanwhile).toBeLessThanOrEqual(4);
  const before = (await requests(isBackfill)).length;
  await until(async () => (await requests(isBackfill)).length > before + 1);
});

test('past the monthly cap the history is read no more than once a minute, and persons are served as ever', async () => {
  const capped = await start({ monthlyReads: 3 });
  const list = '{ reportRuns(first: 100) { nodes { id } } }';
  await capped.query(list);
  const answers = await Promise.all(
    Array.from({ length: 4 }, (_, index) => capped.query(LOOK_UP, { id: `frr_1none${index}` })),
  );
  expect(answers).toEqual(answers.map(() => ({ data: { reportRun: null } })));
  await sandbox.control('DELETE', 'requests');
  await new Promise((resolve) => setTimeout(resolve, 4_000));
  expect((await requests(isBackfill)).length).toBeLessThanOrEqual(1);
  const { errors, extensions } = await capped.query(list);
  expect(errors).toBeUndefined();
  // What is put off is no failure of Stripe's.
  expect(extensions).toMatchObject({ upstream: { V1: { state: 'READY' }, V2: { state: 'READY' } } });
});
