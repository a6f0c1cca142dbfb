import { expect, onTestFinished, test } from 'vitest';
import { openEngine } from '../../src/ledger/open-engine.js';
import { testDatabaseUrl } from '../support/databases.js';
import { startTestGateway } from '../support/gateway.js';
import { startTestSandbox } from '../support/sandbox.js';
import { until } from '../support/until.js';

test('a gateway that is closed while Stripe hangs gives its feeds back and does not wait for Stripe', async () => {
  const database = await testDatabaseUrl();
  const sandbox = await startTestSandbox({ seed: false });
  onTestFinished(() => sandbox.close());
  for (const path of ['/v1/reporting/*', '/v2/*'])
    await sandbox.control('POST', 'faults', { path, kind: 'hold', times: 0 });
  const gateway = await startTestGateway({ upstream: sandbox.origin, database });
  await until(async () => {
    const { faults } = await sandbox.control<{ faults: { held: number }[] }>('GET', 'faults');
    return faults.length === 2 && faults.every(({ held }) => held > 0);
  });
  const began = Date.now();
  await gateway.close();
  // A second is left to a tick that is about to end.
  expect(Date.now() - began).toBeLessThan(4_000);
  const engine = await openEngine(database);
  const feeds = await engine.query('select api, lease_until from feeds order by api');
  await engine.close();
  expect(feeds).toMatchObject([
    { api: 'V1', lease_until: null },
    { api: 'V2', lease_until: null },
  ]);
});
