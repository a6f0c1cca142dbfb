import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { startTestGateway, type TestGateway } from '../support/gateway.js';
import { startTestSandbox, type TestSandbox } from '../support/sandbox.js';
import { create, created, until, upstreamIds, V1_RUNS, V2_RUNS, v1Input, v2Input } from './operations.js';

const APIS = [
  { api: 'v1', input: v1Input, path: V1_RUNS },
  { api: 'v2', input: v2Input, path: V2_RUNS },
] as const;

let sandbox: TestSandbox;
let gateway: TestGateway;

beforeAll(async () => {
  sandbox = await startTestSandbox({ seed: false, runSeconds: 3600 });
  gateway = await startTestGateway({ upstream: sandbox.origin });
});

afterAll(async () => {
  await gateway.close();
  await sandbox.close();
});

beforeEach(async () => {
  await sandbox.control('DELETE', 'faults');
  await sandbox.control('DELETE', 'requests');
});

test.each(APIS)(
  '$api: a 409 while another request is in flight is waited out',
  async ({ api, input, path }) => {
    await sandbox.control('POST', 'faults', { method: 'POST', path, kind: 'error', status: 409, times: 2 });
    const before = await upstreamIds(sandbox, 'acct_test');
    const { id } = await created(gateway, input(`${api} busy`));
    expect(await upstreamIds(sandbox, 'acct_test')).toEqual([...before, id].sort());
    const posts = (await sandbox.requests()).filter(({ method }) => method === 'POST');
    expect(posts.map(({ status }) => status)).toEqual([409, 409, 200]);
    expect(new Set(posts.map(({ idempotencyKey }) => idempotencyKey)).size).toBe(1);
  },
);

test.each(APIS)(
  '$api: a 409 that does not end leaves the outcome unknown, and the gateway finishes it by itself',
  async ({ api, input, path }) => {
    const fault = { method: 'POST', path, kind: 'error', status: 409, times: 7 };
    await sandbox.control('POST', 'faults', fault);
    const before = await upstreamIds(sandbox, 'acct_test');
    const { errors } = await create(gateway, input(`${api} always busy`));
    expect(errors?.[0]?.extensions).toMatchObject({
      outcome: 'UNKNOWN',
      idempotencyKey: `${api} always busy`,
    });
    await until(async () => (await upstreamIds(sandbox, 'acct_test')).length > before.length);
    const { id } = await created(gateway, input(`${api} always busy`));
    expect(await upstreamIds(sandbox, 'acct_test')).toEqual([...before, id].sort());
  },
);
