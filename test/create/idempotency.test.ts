import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { startTestGateway, type TestGateway } from '../support/gateway.js';
import { startTestSandbox, type TestSandbox } from '../support/sandbox.js';
import { create, created, listedIds, upstreamIds, V1_RUNS, V2_RUNS, v1Input, v2Input } from './operations.js';

let sandbox: TestSandbox;
let gateway: TestGateway;

beforeAll(async () => {
  sandbox = await startTestSandbox({ seed: false, runSeconds: 3600 });
  await sandbox.control('POST', 'settings', { v2ConcurrentRuns: 100 });
  gateway = await startTestGateway({ upstream: sandbox.origin });
});

afterAll(async () => {
  await gateway.close();
  await sandbox.close();
});

beforeEach(() => sandbox.control('DELETE', 'requests'));

async function posts(): Promise<number> {
  return (await sandbox.requests()).filter(({ method }) => method === 'POST').length;
}

const APIS = [
  { api: 'v1', input: v1Input, path: V1_RUNS },
  { api: 'v2', input: v2Input, path: V2_RUNS },
] as const;

test.each(APIS)(
  '$api: the same key and input give the same run, also written in another order',
  async ({ api, input }) => {
    const key = `${api} same`;
    const first = await created(gateway, input(key, { currency: 'eur', timezone: 'Etc/UTC' }));
    const again = await created(gateway, input(key, { timezone: 'Etc/UTC', currency: 'eur' }));
    expect(again).toEqual(first);
    expect(await posts()).toBe(1);
  },
);

test.each(APIS)('$api: twenty at once with one key are one POST and one run', async ({ api, input }) => {
  const before = await upstreamIds(sandbox, 'acct_test');
  const all = Array.from({ length: 20 }, () => created(gateway, input(`${api} at once`)));
  const ids = new Set((await Promise.all(all)).map(({ id }) => id));
  expect(ids.size).toBe(1);
  expect(await posts()).toBe(1);
  expect(await upstreamIds(sandbox, 'acct_test')).toEqual([...before, ...ids].sort());
});

test.each(APIS)('$api: without a key each mutation starts a run of its own', async ({ input }) => {
  const [one, other] = await Promise.all([created(gateway, input(null)), created(gateway, input(null))]);
  expect(one.id).not.toBe(other.id);
  expect(await listedIds(gateway)).toEqual(expect.arrayContaining([one.id, other.id]));
});

test.each(APIS)(
  '$api: the same key with another input, or in the other API, is a conflict',
  async ({ api, input }) => {
    const key = `${api} taken`;
    const { id } = await created(gateway, input(key));
    const others = [
      { api, other: input(key, { currency: 'usd' }) },
      api === 'v1' ? { api: 'v2', other: v2Input(key) } : { api: 'v1', other: v1Input(key) },
    ];
    for (const { api: name, other } of others) {
      expect(await create(gateway, other)).toEqual({
        data: {
          createReportRun: {
            reportRun: null,
            userErrors: [
              {
                __typename: 'IdempotencyConflictError',
                message: expect.stringContaining(JSON.stringify(key)),
                path: [name, 'idempotencyKey'],
              },
            ],
          },
        },
      });
    }
    expect((await created(gateway, input(key))).id).toBe(id);
    expect(await posts()).toBe(1);
  },
);

test.each(APIS)(
  '$api: a key whose request Stripe refused is free again, for the same input and for another',
  async ({ api, input, path }) => {
    const refusal = { method: 'POST', path, kind: 'error', status: 400, times: 1 };
    for (const [name, next] of [
      ['the same', {}],
      ['another', { currency: 'usd' }],
    ] as const) {
      const key = `${api} refused, then ${name}`;
      await sandbox.control('POST', 'faults', refusal);
      const { data } = await create(gateway, input(key));
      expect(data?.createReportRun).toMatchObject({
        reportRun: null,
        userErrors: [{ __typename: 'InvalidInputError', message: 'The request was refused.' }],
      });
      const { raw } = await created(gateway, input(key, next));
      expect(raw).toMatchObject(next);
    }
  },
);

test('a run that has ended meanwhile is shown as it is now when its mutation is repeated', async () => {
  for (const { api, input } of APIS) {
    const { id } = await created(gateway, input(`${api} ended`));
    await sandbox.control('POST', `runs/${id}/finish`, { outcome: 'succeeded' });
    // What was seen within the last second is not asked for again.
    await new Promise((resolve) => setTimeout(resolve, 1_050));
    const { data } = await gateway.query<{ createReportRun: { reportRun: object } }>(
      'mutation ($input: CreateReportRunInput!) { createReportRun(input: $input) { reportRun { id status } } }',
      { input: input(`${api} ended`) },
    );
    expect(data?.createReportRun.reportRun).toEqual({ id, status: 'SUCCEEDED' });
  }
});
