import { buffer } from 'node:stream/consumers';
import { afterAll, describe, expect, it } from 'vitest';
import { createStripeV1 } from '../../src/datasources/stripe-v1.js';
import { createStripeV2 } from '../../src/datasources/stripe-v2.js';
import { createTransport } from '../../src/datasources/transport.js';
import { readable } from './samples.js';
import { DAY, SANDBOX_KEY, startSources } from './sandbox.js';
import { failure } from './upstream.js';

const sources = await startSources();
afterAll(() => sources.close());
const { base, v2, files, control, idsOf, createV2 } = sources;
const never = new AbortController().signal;

describe('v2 against the sandbox', () => {
  it('finds all runs, the seeded ones too, by their events, page by page', async () => {
    await control('POST', '/runs', { api: 'V2', count: 40, spacingMs: 60_000 });
    const found = new Set<string>();
    let page: string | null = null;
    let pages = 0;
    do {
      const answer = await v2.listEvents({ createdFrom: Date.now() - 30 * DAY, page });
      expect(answer.skipped).toBe(0);
      for (const { runId } of answer.events) found.add(runId);
      page = answer.nextPage;
      pages += 1;
    } while (page !== null);
    expect([...found].sort()).toEqual((await idsOf('V2')).sort());
    expect(found.size).toBeGreaterThanOrEqual(70);
    expect(pages).toBeGreaterThan(1);
    expect((await v2.listEvents({ createdFrom: Date.now() + DAY })).events).toEqual([]);
  });

  it.each([
    [false, 'CSV'],
    [true, 'ZIP'],
  ] as const)(
    'creates a run with compressFile %s, and reads its file from a fresh link',
    async (compress, word) => {
      const run = await createV2(`v2-key-${compress}`, compress);
      expect(run).toMatchObject({ api: 'V2', status: 'RUNNING', resultOptions: { compressFile: compress } });
      expect((await createV2(`v2-key-${compress}`, compress)).id).toBe(run.id);
      expect(await failure(v2.downloadUrl(run.id))).toMatchObject({ kind: 'not_found' });
      await control('POST', `/runs/${run.id}/finish`, { outcome: 'succeeded' });
      const ended = readable(await v2.retrieveRun(run.id));
      expect(ended.result?.file?.contentType).toBe(word);
      const file = await files.open(ended, { signal: never });
      const bytes = await buffer(file.stream());
      expect(BigInt(bytes.length)).toBe(ended.result?.file?.size);
      const { requests } = (await control('GET', '/requests')) as {
        requests: { path: string; keySent: boolean }[];
      };
      expect(requests.filter(({ path }) => path.startsWith('/blob/'))).toMatchObject([{ keySent: false }]);
      await control('DELETE', '/requests');
    },
  );

  it('sees a run fail', async () => {
    const run = await createV2('v2-key-failed', null);
    const details = { outcome: 'failed', error: 'Something broke.', errorCode: 'internal_error' };
    await control('POST', `/runs/${run.id}/finish`, details);
    expect(readable(await v2.retrieveRun(run.id))).toMatchObject({
      status: 'FAILED',
      failure: { code: 'internal_error', message: 'Something broke.' },
    });
  });

  it('reads a run alike in a version that wraps parameters and writes sizes as numbers', async () => {
    const run = await createV2('v2-key-old', false);
    await control('POST', `/runs/${run.id}/finish`, { outcome: 'succeeded' });
    const old = createTransport({ apiKey: SANDBOX_KEY, base, v2Version: '2025-08-01.preview' });
    const [then, now] = [await createStripeV2(old).retrieveRun(run.id), await v2.retrieveRun(run.id)];
    await old.close();
    expect(readable(then)).toEqual(readable(now));
    expect(then.body).not.toEqual(now.body);
  });

  it('tells a version Stripe does not know from a wrong request', async () => {
    const wrong = createTransport({ apiKey: SANDBOX_KEY, base, v2Version: 'tomorrow' });
    expect(await failure(createStripeV2(wrong).retrieveRun('reprun_1'))).toMatchObject({ kind: 'forbidden' });
    expect((await createStripeV1(wrong).listRuns({ limit: 1 })).items).toHaveLength(1);
    await wrong.close();
    expect(await failure(v2.retrieveRun('reprun_none'))).toMatchObject({ kind: 'not_found' });
    expect(await failure(v2.retrieveReport('report_none'))).toMatchObject({ kind: 'not_found' });
  });

  it('is told of the limit of concurrent runs', async () => {
    await control('POST', '/settings', { v2ConcurrentRuns: 0 });
    const error = await failure(createV2('v2-key-limit', null));
    expect(error).toMatchObject({
      kind: 'rate_limited',
      code: 'report_run_rate_limit_exceeded',
      effect: 'none',
    });
    await control('POST', '/settings', { v2ConcurrentRuns: 5 });
  });
});
