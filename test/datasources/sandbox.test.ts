import { buffer } from 'node:stream/consumers';
import * as fc from 'fast-check';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { createFileSource, type FileSource } from '../../src/datasources/files.js';
import { createStripeV1, type StripeV1 } from '../../src/datasources/stripe-v1.js';
import { createStripeV2, type StripeV2 } from '../../src/datasources/stripe-v2.js';
import { createTransport, type Transport } from '../../src/datasources/transport.js';
import type { ObservedRun, ReportRun, UnreadableRun } from '../../src/models/report-run.js';
import { type Sandbox, startSandbox } from '../../src/sandbox/server.js';
import { failure, V2_VERSION } from './upstream.js';

const API_KEY = 'sk_test_sandbox';
const DAY = 86_400_000;
const never = new AbortController().signal;

let sandbox: Sandbox;
let base: URL;
let transport: Transport;
let v1: StripeV1;
let v2: StripeV2;
let files: FileSource;

beforeAll(async () => {
  sandbox = await startSandbox({ runSeconds: 600 });
  base = new URL(sandbox.origin);
  transport = createTransport({
    apiKey: API_KEY,
    base,
    v2Version: V2_VERSION,
    timeouts: { create: 1_500 },
  });
  v1 = createStripeV1(transport);
  v2 = createStripeV2(transport);
  files = createFileSource({ apiKey: API_KEY, base, v2 });
});
afterAll(async () => {
  await files.close();
  await transport.close();
  await sandbox.close();
});
beforeEach(async () => {
  await control('DELETE', '/faults');
  await control('POST', '/settings', { limits: false, lateRunsMs: 0, lateEventsMs: 0 });
});

async function control(method: string, path: string, body?: unknown): Promise<Record<string, unknown>> {
  const init = body === undefined ? { method } : { method, body: JSON.stringify(body) };
  const response = await fetch(`${sandbox.origin}/_sandbox${path}`, init);
  if (!response.ok) throw new Error(`${path}: ${await response.text()}`);
  return (await response.json()) as Record<string, unknown>;
}

/** The true order, from the sandbox itself. */
async function idsOf(api: 'V1' | 'V2'): Promise<string[]> {
  const { runs } = (await control('GET', '/runs')) as { runs: { id: string; api: string }[] };
  return runs.filter((run) => run.api === api).map(({ id }) => id);
}

function readable(observed: ObservedRun | UnreadableRun): ReportRun {
  if ('unreadable' in observed) throw new Error(`${observed.id}: ${observed.reason}`);
  return observed.run;
}

async function createV1(key: string): Promise<ReportRun> {
  const { type } = await v1.retrieveReportType('balance.summary.1');
  const end = type.dataAvailableEnd / 1000;
  const parameters = { interval_start: end - 86_400, interval_end: end, columns: ['category', 'net_amount'] };
  return readable((await v1.createRun({ api: 'V1', reportType: type.id, parameters }, key)).observed);
}

async function createV2(key: string, compressFile: boolean | null): Promise<ReportRun> {
  const { type } = await v2.retrieveReport(await reportId());
  const end = type.parameterDefinitions.find(({ name }) => name === 'interval_end')?.maximum ?? 0;
  const parameters = {
    interval_start: new Date(end - DAY).toISOString(),
    interval_end: new Date(end).toISOString(),
  };
  return readable(
    (await v2.createRun({ api: 'V2', report: type.id, parameters, compressFile }, key)).observed,
  );
}

/** A report with an interval that some seeded run was made of: v2 has no catalogue. */
async function reportId(): Promise<string> {
  for (const id of (await idsOf('V2')).reverse()) {
    const run = readable(await v2.retrieveRun(id));
    if (run.parameters.intervalStart !== null) return run.reportTypeId;
  }
  throw new Error('no seeded v2 run has an interval');
}

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
    const file = await files.open(ended, never);
    const bytes = await buffer(file.stream);
    expect(file).toMatchObject({ contentType: 'text/csv', contentLength: bytes.length });
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
    [false, 'text/csv', 'CSV'],
    [true, 'application/zip', 'ZIP'],
  ] as const)(
    'creates a run with compressFile %s, and reads its file from a fresh link',
    async (compress, type, word) => {
      const run = await createV2(`v2-key-${compress}`, compress);
      expect(run).toMatchObject({ api: 'V2', status: 'RUNNING', resultOptions: { compressFile: compress } });
      expect((await createV2(`v2-key-${compress}`, compress)).id).toBe(run.id);
      expect(await failure(v2.downloadUrl(run.id))).toMatchObject({ kind: 'not_found' });
      await control('POST', `/runs/${run.id}/finish`, { outcome: 'succeeded' });
      const ended = readable(await v2.retrieveRun(run.id));
      expect(ended.result?.file?.contentType).toBe(word);
      const file = await files.open(ended, never);
      const bytes = await buffer(file.stream);
      expect(file.contentType).toBe(type);
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
    const old = createTransport({ apiKey: API_KEY, base, v2Version: '2025-08-01.preview' });
    const [then, now] = [await createStripeV2(old).retrieveRun(run.id), await v2.retrieveRun(run.id)];
    await old.close();
    expect(readable(then)).toEqual(readable(now));
    expect(then.body).not.toEqual(now.body);
  });

  it('tells a version Stripe does not know from a wrong request', async () => {
    const wrong = createTransport({ apiKey: API_KEY, base, v2Version: 'tomorrow' });
    expect(await failure(createStripeV2(wrong).retrieveRun('reprun_1'))).toMatchObject({ kind: 'forbidden' });
    expect(readable((await createStripeV1(wrong).listRuns({ limit: 1 })).items[0] as ObservedRun).api).toBe(
      'V1',
    );
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

describe('faults of the sandbox', () => {
  it.each([
    ['reset', 'unavailable'],
    ['timeout', 'unavailable'],
    ['truncated', 'unavailable'],
    ['slow', 'unavailable'],
    ['not_json', 'contract'],
  ])(
    'a create that meets %s after its effect is %s, and the same key gives the run',
    async (kind, expected) => {
      const before = await idsOf('V1');
      const { type } = await v1.retrieveReportType('balance.summary.1');
      const end = type.dataAvailableEnd / 1000;
      const parameters = { interval_start: end - 86_400, interval_end: end };
      const request = { api: 'V1', reportType: type.id, parameters } as const;
      await control('POST', '/faults', { method: 'POST', path: '/v1/*', kind, when: 'after' });
      const error = await failure(v1.createRun(request, `fault-${kind}`));
      expect(error).toMatchObject({ kind: expected, effect: 'unknown' });
      const { observed } = await v1.createRun(request, `fault-${kind}`);
      const after = await idsOf('V1');
      expect(after.filter((id) => !before.includes(id))).toEqual([readable(observed).id]);
    },
  );

  it('a stored 500 of v1 comes back as replayed', async () => {
    await control('POST', '/faults', {
      method: 'POST',
      path: '/v1/*',
      kind: 'error',
      status: 500,
      when: 'after',
    });
    const request = { api: 'V1', reportType: 'balance.summary.1', parameters: {} } as const;
    const first = await failure(createV1('fault-500'));
    expect(first).toMatchObject({ kind: 'unavailable', status: 500, effect: 'unknown', replayed: false });
    expect(await failure(createV1('fault-500'))).toMatchObject({ status: 500, replayed: true });
    expect(await failure(v1.createRun(request, 'fault-400'))).toMatchObject({
      kind: 'invalid',
      effect: 'none',
    });
  });

  it('more requests than Stripe allows in a second are refused, and not repeated', async () => {
    await control('DELETE', '/requests');
    await control('POST', '/settings', { limits: true });
    const answers = await Promise.allSettled(Array.from({ length: 40 }, () => v1.listRuns({ limit: 1 })));
    const refused = answers.flatMap((answer) => (answer.status === 'rejected' ? [answer.reason] : []));
    expect(refused.length).toBeGreaterThan(0);
    for (const error of refused) expect(error).toMatchObject({ kind: 'rate_limited', effect: 'none' });
    const { requests } = (await control('GET', '/requests')) as { requests: unknown[] };
    expect(requests).toHaveLength(40);
  });
});
