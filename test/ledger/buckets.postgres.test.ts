import { expect, test } from 'vitest';
import { type Bucket, openBuckets } from '../../src/ledger/buckets.js';
import { migrate } from '../../src/ledger/migrations.js';
import { openEngine } from '../../src/ledger/open-engine.js';
import { testPostgresUrl } from '../support/databases.js';

const ACCOUNT: Bucket = { name: 'account', perSecond: 15, capacity: 8 };

test('four processes that take all they can get, get together what one would', async () => {
  const url = await testPostgresUrl();
  const engines = await Promise.all(Array.from({ length: 4 }, () => openEngine(url)));
  const [first] = engines;
  if (first === undefined) throw new Error('no engine was opened');
  await migrate(first, () => first.now());
  const ask = { from: [{ bucket: ACCOUNT, leave: 0 }], isRead: true };
  const times: number[] = [];
  const end = first.now() + 3_000;
  await Promise.all(
    engines.map(async (engine) => {
      while (engine.now() < end) {
        let at = 0;
        const now = (): number => {
          at = engine.now();
          return at;
        };
        const { waits } = await openBuckets({ ...engine, now }, 'acct_1:test').take([ask, ask, ask]);
        for (const wait of waits) if (wait === 0) times.push(at);
        await new Promise((resolve) => setTimeout(resolve, 10));
      }
    }),
  );
  const busiest = Math.max(
    ...times.map((from) => times.filter((at) => at >= from && at < from + 1000).length),
  );
  // One more than in theory, for clocks that are some ms apart.
  expect(busiest).toBeLessThanOrEqual(ACCOUNT.capacity + ACCOUNT.perSecond + 1);
  expect(times.length).toBeGreaterThan(ACCOUNT.capacity + 2 * ACCOUNT.perSecond);
  const [usage] = await openBuckets(first, 'acct_1:test').usage();
  expect(usage?.reads).toBe(times.length);
  await Promise.all(engines.map((engine) => engine.close()));
});
