import { createClient } from 'graphql-ws';
import { WebSocket } from 'ws';
import type { TestGateway } from '../support/gateway.js';

export interface Told {
  readonly id: string;
  readonly status: string;
}
export type LiveSocket = ReturnType<typeof createClient>;

export const UPDATED = `subscription ($filter: ReportRunFilter, $since: DateTime) {
  reportRunsUpdated(filter: $filter, since: $since) { id status }
}`;
export const LIST =
  'query ($filter: ReportRunFilter) { reportRuns(filter: $filter) { nodes { id status } } }';
const CREATE = `mutation ($input: CreateReportRunInput!) {
  createReportRun(input: $input) { reportRun { id } userErrors { message } }
}`;
const PERIOD = { start: '2026-01-01T00:00:00Z', end: '2026-02-01T00:00:00Z' };

export function openSocket(gateway: TestGateway): LiveSocket {
  return createClient({ url: gateway.url.replace('http', 'ws'), webSocketImpl: WebSocket });
}

export interface LiveSubscription {
  readonly told: string[];
  readonly errors: { message: string; extensions?: { code?: string } }[];
  readonly done: Promise<void>;
  stop(): void;
}

/** Collects what a subscription tells, as id and status. */
export function subscribe(socket: LiveSocket, variables: Record<string, unknown> = {}): LiveSubscription {
  const told: string[] = [];
  const errors: LiveSubscription['errors'] = [];
  let stop = () => {};
  const done = new Promise<void>((resolve) => {
    stop = socket.subscribe<{ reportRunsUpdated: Told | null }>(
      { query: UPDATED, variables },
      {
        next: ({ data, errors: failures }) => {
          const run = data?.reportRunsUpdated;
          if (run) told.push(`${run.id} ${run.status}`);
          errors.push(...((failures ?? []) as LiveSubscription['errors']));
        },
        error: (error) => {
          errors.push(...(error as LiveSubscription['errors']));
          resolve();
        },
        complete: () => resolve(),
      },
    );
  });
  return { told, errors, done, stop: () => stop() };
}

/** Lets a subscription that was just asked for begin: it tells nothing by itself. */
export async function begun(gateway: TestGateway): Promise<void> {
  for (let asked = 0; asked < 5; asked += 1) await gateway.query('{ reportRuns(first: 0) { nodes { id } } }');
  await new Promise((resolve) => setTimeout(resolve, 50));
}

export async function create(gateway: TestGateway, api: 'V1' | 'V2'): Promise<string> {
  const v1 = {
    reportType: 'balance.summary.1',
    parameters: { intervalStart: PERIOD.start, intervalEnd: PERIOD.end },
  };
  const v2 = {
    report: 'report_test_balance_summary',
    parameters: { interval_start: PERIOD.start, interval_end: PERIOD.end },
  };
  const { data, errors } = await gateway.query<{
    createReportRun: { reportRun: { id: string } | null; userErrors: { message: string }[] };
  }>(CREATE, { input: api === 'V1' ? { v1 } : { v2 } });
  const id = data?.createReportRun.reportRun?.id;
  if (id === undefined) throw new Error(JSON.stringify(errors ?? data?.createReportRun.userErrors));
  return id;
}
