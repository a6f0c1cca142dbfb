import { buffer } from 'node:stream/consumers';
import * as fc from 'fast-check';
import { afterAll, describe, expect, it } from 'vitest';
import { readable } from './samples.js';
import { startSources } from './sandbox.js';
import { failure } from './upstream.js';

const sources = await startSources();
afterAll(() => sources.close());
const { v1, files, control, idsOf, createV1 } = sources;
const never = new AbortController().signal;

async function walk(size: number): Promise<string[]> {
  const ids: string[] = [];
  for (;;) {
    const last = ids.at(-1);
    const page = await v1.listRuns({ limit: size, ...(last === undefined ? {} : { startingAfter: last }) });
    expect(page.skipped).toBe(0);
    ids.push(...page.items.map((item) => readable(item).id));
    if (!page.hasMore) return ids;
  }
}

describe('v1 against the sandbox', () => {
  it('knows whose key it has', async () => {
    expect(await v1.accountId()).toBe('acct_sandbox');
  });

  it('lists the same runs with pages of any size', async () => {
    const truth = await idsOf('V1');
    expect(truth.length).toBeGreaterThanOrEqual(150);
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 7, max: 100 }), async (size) => {
        expect(await walk(size)).toEqual(truth);
      }),
      { numRuns: 5 },
    );
  });

  it('lists exactly the runs created within bounds', async () => {
    const all = (await v1.listRuns()).items.map(readable);
    const [newest, oldest] = [all[20]?.createdAt ?? 0, all[40]?.createdAt ?? 0];
    const within = all.filter(({ createdAt }) => createdAt >= oldest && createdAt <= newest);
    const { items } = await v1.listRuns({ createdFrom: oldest, createdUntil: newest });
    expect(items.map((item) => readable(item).id)).toEqual(within.map(({ id }) => id));
    const none = await v1.listRuns({ createdFrom: newest + 1, createdUntil: newest + 999 });
    expect(none.items).toEqual([]);
  });

  it('reads every type of the catalogue', async () => {
    const { items, skipped } = await v1.listReportTypes();
    expect(skipped).toBe(0);
    expect(items.length).toBeGreaterThan(50);
    const one = items.find(({ type }) => type.id === 'balance.summary.1');
    expect((await v1.retrieveReportType('balance.summary.1')).type).toEqual(one?.type);
    expect(await failure(v1.retrieveReportType('no.such_type.1'))).toMatchObject({ kind: 'not_found' });
  });

  it('creates a run, and the same again under the same key, follows it to its end and reads the file', async () => {
    const run = await createV1('v1-key-1');
    expect(run).toMatchObject({ api: 'V1', status: 'RUNNING', result: null, livemode: false });
    expect(run.parameters).toMatchObject({ columns: ['category', 'net_amount'] });
    expect(await createV1('v1-key-1')).toEqual(run);
    const other = { api: 'V1', reportType: 'payouts.itemized.3', parameters: {} } as const;
    expect(await failure(v1.createRun(other, 'v1-key-1'))).toMatchObject({
      kind: 'invalid',
      code: 'idempotency_error',
    });
    await control('POST', `/runs/${run.id}/finish`, { outcome: 'succeeded' });
    const ended = readable(await v1.retrieveRun(run.id));
    expect(ended).toMatchObject({ status: 'SUCCEEDED', finishedAt: expect.any(Number) });
    const file = await files.open(ended, { signal: never });
    const bytes = await buffer(file.stream());
    expect(file).toMatchObject({ size: bytes.length, length: bytes.length });
    expect(BigInt(bytes.length)).toBe(ended.result?.file?.size);
  });

  it('sees a run fail', async () => {
    const run = await createV1('v1-key-2');
    await control('POST', `/runs/${run.id}/finish`, { outcome: 'failed', error: 'Too large.' });
    const ended = readable(await v1.retrieveRun(run.id));
    expect(ended).toMatchObject({ status: 'FAILED', failure: { code: null, message: 'Too large.' } });
    const listed = (await v1.listRuns()).items.find((item) => 'run' in item && item.run.id === run.id);
    expect(listed).toMatchObject({ run: ended });
  });

  it('names the parameter an interval outside the data is wrong in', async () => {
    const parameters = { interval_start: 0, interval_end: 86_400 };
    const request = { api: 'V1', reportType: 'balance.summary.1', parameters } as const;
    const error = await failure(v1.createRun(request, 'v1-key-3'));
    expect(error).toMatchObject({ kind: 'invalid', effect: 'none', param: 'parameters.interval_start' });
    expect(error.message).toMatch(/only available starting at/);
  });

  it('keeps a list going with an odd run in it', async () => {
    const [odd = '', ...others] = (await v1.listRuns({ limit: 10 })).items.map((item) => readable(item).id);
    await control('POST', `/runs/${odd}/overlay`, { status: 'paused' });
    const { items } = await v1.listRuns({ limit: 10 });
    expect(items[0]).toMatchObject({ unreadable: true, id: odd, reason: expect.stringContaining('paused') });
    expect(items.slice(1).map((item) => readable(item).id)).toEqual(others);
    await control('POST', `/runs/${odd}/overlay`, null);
  });
});
