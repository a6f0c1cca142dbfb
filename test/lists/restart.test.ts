import { expect, test } from 'vitest';
import {
  caughtUp,
  idsOf,
  ledgerFile,
  make,
  openGateway,
  openSandbox,
  page,
  sleep,
  truth,
  until,
} from './support.js';
import { walkBackward, walkForward } from './walk.js';

const HOUR = 3_600_000;
/** After so long, ms, the read of the gateway before is as good as none. */
const STALE_MS = 1_050;

test('more than 100 runs made while the gateway was down are all in the first walk after it', async () => {
  const sandbox = await openSandbox();
  const file = ledgerFile();
  await make(sandbox, { api: 'V1', count: 120, createdAt: Date.now() - HOUR, spacingMs: 1_500 });
  const first = await openGateway(sandbox, file);
  await caughtUp(first, 120);
  await first.close();
  await make(sandbox, { api: 'V1', count: 250, spacingMs: 300 });
  await make(sandbox, { api: 'V1', count: 105 });
  await sleep(STALE_MS);
  const second = await openGateway(sandbox, file);
  const ids = idsOf(await truth(sandbox));
  expect(idsOf((await walkForward(second, [30])).nodes)).toEqual(ids);
  expect(idsOf((await walkBackward(second, [70])).nodes)).toEqual(ids);
});

test('after thousands of new runs a walk begun at once is exact, and the limits of Stripe are kept', async () => {
  const sandbox = await openSandbox();
  const file = ledgerFile();
  await make(sandbox, { api: 'V1', count: 40, createdAt: Date.now() - 100 * HOUR, spacingMs: 1_500 });
  const first = await openGateway(sandbox, file);
  await caughtUp(first, 40);
  await first.close();
  await make(sandbox, { api: 'V1', count: 2_800, spacingMs: 60_000 });
  await sleep(STALE_MS);
  const second = await openGateway(sandbox, file);
  expect(idsOf((await walkForward(second, [90])).nodes)).toEqual(idsOf(await truth(sandbox)));
  expect((await sandbox.requests()).filter(({ status }) => status === 429)).toEqual([]);
});

test('an account that was empty gets all of the many runs made while the gateway was down', async () => {
  const sandbox = await openSandbox();
  const file = ledgerFile();
  const first = await openGateway(sandbox, file);
  await caughtUp(first, 0);
  await first.close();
  await make(sandbox, { api: 'V1', count: 250, spacingMs: 10_000 });
  await sleep(STALE_MS);
  const second = await openGateway(sandbox, file);
  expect(idsOf((await walkForward(second, [40])).nodes)).toEqual(idsOf(await truth(sandbox)));
});

test('v2 runs that others made while the gateway was down are found, late events too', async () => {
  const sandbox = await openSandbox();
  const file = ledgerFile();
  await make(sandbox, { api: 'V2', count: 3, createdAt: Date.now() - HOUR, spacingMs: 1_000 });
  const first = await openGateway(sandbox, file);
  await caughtUp(first, 3);
  await first.close();
  await make(sandbox, { api: 'V2', count: 7, spacingMs: 60_000 });
  await make(sandbox, { api: 'V2', count: 2, createdAt: Date.now() - 30_000, lateMs: 2_500 });
  const second = await openGateway(sandbox, file);
  const ids = idsOf(await truth(sandbox));
  await until(
    async () => idsOf((await walkForward(second, [5])).nodes),
    (seen) => seen.length >= 12,
    300,
  );
  expect(idsOf((await walkForward(second, [5])).nodes)).toEqual(ids);
});

test('the seeded v2 runs are found through events', async () => {
  const sandbox = await openSandbox({ seed: true });
  const gateway = await openGateway(sandbox);
  const all = (await truth(sandbox)).filter(({ api }) => api === 'V2');
  expect(all).toHaveLength(30);
  const seen = await until(
    async () => (await page(gateway, { first: 100, filter: { api: 'V2' } })).edges.map(({ node }) => node.id),
    (ids) => ids.length === all.length,
    500,
  );
  expect(seen).toEqual(idsOf(all));
  await caughtUp(gateway, 180);
});

test('without events no v2 run of others is known', async () => {
  const sandbox = await openSandbox();
  await sandbox.control('POST', 'settings', { events: false });
  await make(sandbox, { api: 'V2', count: 5, createdAt: Date.now() - 10_000 });
  await make(sandbox, { api: 'V1', count: 5, createdAt: Date.now() - 10_000 });
  const gateway = await openGateway(sandbox);
  await caughtUp(gateway, 5);
  expect((await walkForward(gateway, [100])).nodes.map(({ api }) => api)).toEqual(Array(5).fill('V1'));
});
