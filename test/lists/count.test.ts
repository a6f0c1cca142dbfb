import { expect, test } from 'vitest';
import { DECODER_VERSION, decodeRun } from '../../src/datasources/decode-run.js';
import { openLedger } from '../../src/ledger/ledger.js';
import { openSqlite } from '../../src/ledger/sqlite.js';
import { caughtUp, ledgerFile, make, openGateway, openSandbox, page, totalCount } from './support.js';

test('the count is exact by every filter, and does not change what a page gives', async () => {
  const sandbox = await openSandbox();
  const createdAt = Date.now() - 60_000;
  await make(sandbox, { api: 'V1', count: 7, createdAt, status: 'failed' });
  await make(sandbox, { api: 'V1', count: 5, createdAt: createdAt - 10_000, type: 'payouts.summary.1' });
  await make(sandbox, { api: 'V2', count: 3, createdAt });
  const gateway = await openGateway(sandbox);
  await caughtUp(gateway, 15);
  const counts = await Promise.all(
    [
      { api: 'V1' },
      { api: 'V2' },
      { status: ['FAILED'] },
      { status: ['FAILED', 'SUCCEEDED'] },
      { reportType: ['payouts.summary.1'] },
      { createdAt: { end: new Date(createdAt - 5_000).toISOString() } },
    ].map((filter) => totalCount(gateway, filter)),
  );
  expect(counts).toEqual([12, 3, 7, 15, 5, 5]);
  expect((await page(gateway, { first: 0 })).pageInfo).toMatchObject({ hasNextPage: true });
});

test('the count ends at 10,000', async () => {
  const sandbox = await openSandbox();
  const file = ledgerFile();
  await fill(file, sandbox.origin, 10_001);
  const gateway = await openGateway(sandbox, file);
  expect(await totalCount(gateway)).toBe(10_000);
  expect(await totalCount(gateway, { status: ['SUCCEEDED'] })).toBe(10_000);
  expect(await totalCount(gateway, { status: ['FAILED'] })).toBe(0);
});

/** Writes runs into a ledger as if a gateway had read them all. */
async function fill(file: string, upstream: string, count: number): Promise<void> {
  const engine = openSqlite(file);
  const ledger = await openLedger({
    engine,
    account: 'acct_sandbox:test',
    upstream,
    decode: decodeRun,
    decoderVersion: DECODER_VERSION,
    now: Date.now,
  });
  const newest = Math.floor(Date.now() / 1000) - 3_600;
  const runs = Array.from({ length: count }, (_, index) => runBody(index, newest - index));
  for (let at = 0; at < count; at += 1_000) {
    const items = runs.slice(at, at + 1_000).map((body) => decodeRun('V1', body));
    const horizon = { createdAt: (newest - count + 1) * 1000, id: `frr_${count - 1}` };
    await ledger.feeds.advance(
      'V1',
      { newest: newest * 1000, horizon, complete: true, refreshed: Date.now() },
      { items },
    );
  }
  await engine.close();
}

function runBody(index: number, created: number) {
  return {
    id: `frr_${index}`,
    object: 'reporting.report_run',
    created,
    livemode: false,
    status: 'succeeded',
    succeeded_at: created + 1,
    report_type: 'balance.summary.1',
    parameters: {},
    error: null,
    result: {
      id: `file_${index}`,
      object: 'file',
      created,
      expires_at: null,
      filename: 'a.csv',
      purpose: 'finance_report_run',
      size: 10,
      title: null,
      type: 'csv',
    },
  };
}
