import { parse } from 'csv-parse/sync';
import { createClient } from 'graphql-ws';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { WebSocket } from 'ws';
import { startTestGateway, type TestGateway } from '../support/gateway.js';
import { startTestSandbox, type TestSandbox } from '../support/sandbox.js';

interface Run {
  readonly id: string;
  readonly status: string;
  readonly failure: { readonly code: string | null; readonly message: string } | null;
  readonly result: {
    readonly file: {
      readonly contentType: string;
      readonly size: string;
      readonly downloadUrl: { readonly url: string };
    };
  } | null;
}

const FIELDS = 'id status failure { code message } result { file { contentType size downloadUrl { url } } }';
const CREATE = `mutation ($input: CreateReportRunInput!) {
  createReportRun(input: $input) { reportRun { ${FIELDS} } userErrors { message path } }
}`;
const FOLLOW = `subscription ($id: ID!) { reportRunUpdated(id: $id) { ${FIELDS} } }`;

const [start, end] = [9, 2].map((days) => {
  const midnight = Math.floor(Date.now() / 86_400_000) * 86_400_000;
  return new Date(midnight - days * 86_400_000).toISOString();
});
const INPUTS = {
  V1: { v1: { reportType: 'balance.summary.1', parameters: { intervalStart: start, intervalEnd: end } } },
  V2: {
    v2: { report: 'report_test_balance_summary', parameters: { interval_start: start, interval_end: end } },
  },
} as const;

let sandbox: TestSandbox;
let gateway: TestGateway;

beforeAll(async () => {
  sandbox = await startTestSandbox({ seed: false, runSeconds: 2 });
  gateway = await startTestGateway({ upstream: sandbox.origin, apiKey: 'sk_test_files' });
});

afterAll(async () => {
  await gateway?.close();
  await sandbox?.close();
});

async function create(api: 'V1' | 'V2'): Promise<Run> {
  const { data } = await gateway.query<{ createReportRun: { reportRun: Run; userErrors: unknown[] } }>(
    CREATE,
    {
      input: INPUTS[api],
    },
  );
  expect(data?.createReportRun.userErrors).toEqual([]);
  return data?.createReportRun.reportRun as Run;
}

async function followBySocket(id: string): Promise<Run[]> {
  const socket = createClient({ url: gateway.url.replace('http', 'ws'), webSocketImpl: WebSocket });
  const runs: Run[] = [];
  const variables = { id };
  for await (const { data } of socket.iterate<{ reportRunUpdated: Run }>({ query: FOLLOW, variables })) {
    if (data) runs.push(data.reportRunUpdated);
  }
  await socket.dispose();
  return runs;
}

async function followByEvents(id: string): Promise<Run[]> {
  const answer = await fetch(gateway.url, {
    method: 'POST',
    headers: { accept: 'text/event-stream', 'content-type': 'application/json' },
    body: JSON.stringify({ query: FOLLOW, variables: { id } }),
  });
  const events = [...(await answer.text()).matchAll(/^data: (\{.+)$/gm)];
  return events.map(
    ([, json]) => (JSON.parse(json ?? '') as { data: { reportRunUpdated: Run } }).data.reportRunUpdated,
  );
}

const TRANSPORTS = { WebSocket: followBySocket, 'server-sent events': followByEvents } as const;

describe.each(['V1', 'V2'] as const)('a %s run, from its creation on', (api) => {
  test.each(['WebSocket', 'server-sent events'] as const)(
    'succeeds over %s, and its file is what it says',
    async (over) => {
      const { id, status } = await create(api);
      expect(status).toBe('RUNNING');
      const runs = await TRANSPORTS[over](id);
      expect(runs.map((run) => run.status)).toEqual(['RUNNING', 'SUCCEEDED']);
      const file = runs.at(-1)?.result?.file;
      const answer = await fetch(file?.downloadUrl.url ?? '');
      const bytes = Buffer.from(await answer.arrayBuffer());
      expect(answer.headers.get('content-type')).toMatch(/^text\/csv/);
      expect(String(bytes.length)).toBe(file?.size);
      const rows = parse(bytes, { columns: true }) as Record<string, string>[];
      for (const row of rows)
        expect(Object.keys(row)).toEqual(['category', 'description', 'net_amount', 'currency']);
    },
  );

  test.each(['WebSocket', 'server-sent events'] as const)('fails over %s, and says why', async (over) => {
    await sandbox.control('POST', 'outcomes', {
      api,
      outcome: 'failed',
      error: 'Too much data.',
      errorCode: 'internal_error',
    });
    const { id } = await create(api);
    const runs = await TRANSPORTS[over](id);
    expect(runs.map((run) => run.status)).toEqual(['RUNNING', 'FAILED']);
    expect(runs.at(-1)?.failure).toEqual({
      code: api === 'V1' ? null : 'internal_error',
      message: 'Too much data.',
    });
    expect(runs.at(-1)?.result).toBeNull();
  });
});

test("the sandbox's key and links are in no answer, and the key goes to the file's own request alone", async () => {
  const { id } = await create('V2');
  const runs = await followBySocket(id);
  expect(JSON.stringify(runs)).not.toMatch(/blob|sk_test/);
  await sandbox.control('DELETE', 'requests');
  await (await fetch(runs.at(-1)?.result?.file.downloadUrl.url ?? '')).text();
  const requests = await sandbox.requests();
  expect(requests.filter(({ path }) => path.startsWith('/blob/')).map(({ keySent }) => keySent)).toEqual([
    false,
  ]);
});
