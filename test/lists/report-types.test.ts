import { expect, onTestFinished, test } from 'vitest';
import { startTestGateway, type TestGateway } from '../support/gateway.js';
import type { TestSandbox } from '../support/sandbox.js';
import { openSandbox } from './support.js';

interface Types {
  readonly reportTypes: readonly { readonly id: string }[] | null;
}

const TYPES = '{ reportTypes { id } }';

/** A gateway that knows one v2 report, because a run has shown it. */
async function open(): Promise<{ sandbox: TestSandbox; gateway: TestGateway }> {
  const sandbox = await openSandbox();
  await sandbox.control('POST', 'runs', { account: 'acct_types', api: 'V2', count: 1 });
  const gateway = await startTestGateway({ upstream: sandbox.origin, apiKey: 'sk_test_types' });
  onTestFinished(() => gateway.close());
  await expect
    .poll(() => gateway.query('{ reportRuns { totalCount } }'))
    .toMatchObject({
      data: { reportRuns: { totalCount: 1 } },
    });
  return { sandbox, gateway };
}

test.each([
  ['/v1/*', /^report_/],
  ['/v2/*', /^[a-z_]+\./],
])('a key that may not use %s gets the report types of the other API', async (path, kept) => {
  const { sandbox, gateway } = await open();
  await sandbox.control('POST', 'faults', { path, kind: 'error', status: 403, times: 0 });
  const { data, errors } = await gateway.query<Types>(TYPES);
  expect(errors).toBeUndefined();
  expect(data?.reportTypes?.length).toBeGreaterThan(0);
  for (const { id } of data?.reportTypes ?? []) expect(id).toMatch(kept);
});

test('a failure of one API is said, not passed over', async () => {
  const { sandbox, gateway } = await open();
  await sandbox.control('POST', 'faults', {
    path: '/v2/reporting/reports/*',
    kind: 'error',
    status: 500,
    times: 0,
  });
  const { errors } = await gateway.query<Types>(TYPES);
  expect(errors?.[0]?.extensions?.['code']).toBe('UPSTREAM_UNAVAILABLE');
});
