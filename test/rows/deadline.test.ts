import { expect, onTestFinished, test } from 'vitest';
import { createFileSource } from '../../src/datasources/files.js';
import { createStripeV2 } from '../../src/datasources/stripe-v2.js';
import { createTransport } from '../../src/datasources/transport.js';
import { ReportRows } from '../../src/rows/report-rows.js';
import { createRowCursors } from '../../src/rows/row-cursor.js';
import { systemClock } from '../../src/watch/clock.js';
import { testLedger } from '../ledger/support.js';
import { until } from '../support/until.js';
import { given, modelOf, runWith, STAYING } from './support.js';

test('a reading that takes too long is broken off, upstream too', async () => {
  const all = await given();
  const id = await runWith(all, `a,b\n${'1,2\n'.repeat(5_000)}`);
  const file = await modelOf(all, id);
  const upstream = { apiKey: 'sk_test_test', base: new URL(all.sandbox.origin) };
  const transport = createTransport({ ...upstream, v2Version: '2026-04-22.dahlia' });
  const v2 = createStripeV2(transport);
  const files = createFileSource({ ...upstream, v2 });
  onTestFinished(async () => {
    await files.close();
    await transport.close();
  });
  const asked: number[] = [];
  const clock = systemClock(Date.now);
  const rows = new ReportRows({
    known: (await testLedger()).files,
    files,
    v2,
    cursors: createRowCursors({ account: 'acct_test:test', secret: new Uint8Array(32) }),
    reader: all.gateway.services.runs,
    clock: {
      ...clock,
      after(ms, work) {
        asked.push(ms);
        return clock.after(ms / 100, work);
      },
    },
  });
  await all.sandbox.control('POST', 'faults', { kind: 'slow', path: '/v1/files/*' });
  await expect(rows.page(file, { first: 1_000, after: null }, STAYING)).rejects.toMatchObject({
    kind: 'unavailable',
    message: 'Stripe did not deliver the rows within 30 s. Download the file instead.',
  });
  expect(asked).toEqual([30_000]);
  await until(async () => (await all.sandbox.requests()).some(({ path }) => path.startsWith('/v1/files/')));
  const [request] = (await all.sandbox.requests()).filter(({ path }) => path.startsWith('/v1/files/'));
  expect(request?.bytesSent).toBeLessThan(1_000);
  await all.sandbox.control('DELETE', 'faults');
  expect((await rows.page(file, { first: 1_000, after: null }, STAYING)).rows).toHaveLength(1_000);
});
