import { createFileSource, type FileSource } from '../../src/datasources/files.js';
import { createStripeV1, type StripeV1 } from '../../src/datasources/stripe-v1.js';
import { createStripeV2, type StripeV2 } from '../../src/datasources/stripe-v2.js';
import { createTransport } from '../../src/datasources/transport.js';
import type { ReportRun } from '../../src/models/report-run.js';
import { startSandbox } from '../../src/sandbox/server.js';
import { readable } from './samples.js';
import { V2_VERSION } from './upstream.js';

export const SANDBOX_KEY = 'sk_test_sandbox';
export const DAY = 86_400_000;

/** The data sources over a sandbox of their own, seeded, where nothing is late and nothing limited. */
export interface Sources {
  readonly base: URL;
  readonly v1: StripeV1;
  readonly v2: StripeV2;
  readonly files: FileSource;
  readonly control: (method: string, path: string, body?: unknown) => Promise<Record<string, unknown>>;
  /** The true order of all runs, from the sandbox itself. */
  readonly idsOf: (api: 'V1' | 'V2') => Promise<string[]>;
  readonly createV1: (key: string) => Promise<ReportRun>;
  readonly createV2: (key: string, compressFile: boolean | null) => Promise<ReportRun>;
  readonly close: () => Promise<void>;
}

export async function startSources(): Promise<Sources> {
  const sandbox = await startSandbox({ runSeconds: 600 });
  const base = new URL(sandbox.origin);
  const timeouts = { create: 1_500 };
  const transport = createTransport({ apiKey: SANDBOX_KEY, base, v2Version: V2_VERSION, timeouts });
  const v1 = createStripeV1(transport);
  const v2 = createStripeV2(transport);
  const files = createFileSource({ apiKey: SANDBOX_KEY, base, v2 });

  async function control(method: string, path: string, body?: unknown): Promise<Record<string, unknown>> {
    const init = body === undefined ? { method } : { method, body: JSON.stringify(body) };
    const response = await fetch(`${sandbox.origin}/_sandbox${path}`, init);
    if (!response.ok) throw new Error(`${path}: ${await response.text()}`);
    return (await response.json()) as Record<string, unknown>;
  }
  await control('POST', '/settings', { limits: false, lateRunsMs: 0, lateEventsMs: 0 });

  async function idsOf(api: 'V1' | 'V2'): Promise<string[]> {
    const { runs } = (await control('GET', '/runs')) as { runs: { id: string; api: string }[] };
    return runs.filter((run) => run.api === api).map(({ id }) => id);
  }

  /** A report with an interval that some seeded run was made of: v2 has no catalogue. */
  async function reportId(): Promise<string> {
    for (const id of (await idsOf('V2')).reverse()) {
      const run = readable(await v2.retrieveRun(id));
      if (run.parameters.intervalStart !== null) return run.reportTypeId;
    }
    throw new Error('no seeded v2 run has an interval');
  }

  return {
    base,
    v1,
    v2,
    files,
    control,
    idsOf,

    async createV1(key) {
      const { type } = await v1.retrieveReportType('balance.summary.1');
      const end = type.dataAvailableEnd / 1000;
      const columns = ['category', 'net_amount'];
      const parameters = { interval_start: end - DAY / 1000, interval_end: end, columns };
      const { observed } = await v1.createRun({ api: 'V1', reportType: type.id, parameters }, key);
      return readable(observed);
    },

    async createV2(key, compressFile) {
      const { type } = await v2.retrieveReport(await reportId());
      const end = type.parameterDefinitions.find(({ name }) => name === 'interval_end')?.maximum ?? 0;
      const parameters = {
        interval_start: new Date(end - DAY).toISOString(),
        interval_end: new Date(end).toISOString(),
      };
      const request = { api: 'V2', report: type.id, parameters, compressFile } as const;
      return readable((await v2.createRun(request, key)).observed);
    },

    async close() {
      await files.close();
      await transport.close();
      await sandbox.close();
    },
  };
}
