import { setTimeout as sleep } from 'node:timers/promises';
import { expect } from 'vitest';
import type { GraphQLAnswer } from '../support/gateway.js';
import type { TestSandbox } from '../support/sandbox.js';

/** Whoever answers GraphQL. */
export interface Endpoint {
  query<Data>(query: string, variables?: Record<string, unknown>): Promise<GraphQLAnswer<Data>>;
}

export interface CreateData {
  readonly createReportRun: {
    readonly reportRun: { readonly id: string; readonly parameters: { readonly raw: object } } | null;
    readonly userErrors: readonly {
      readonly __typename: string;
      readonly message: string;
      readonly path: readonly string[] | null;
    }[];
  };
}

/** A run as the sandbox has it. */
export interface UpstreamRun {
  readonly id: string;
  readonly api: 'V1' | 'V2';
  readonly idempotencyKey: string | null;
  readonly status: 'running' | 'succeeded' | 'failed';
}

export const CREATE = `mutation ($input: CreateReportRunInput!) {
  createReportRun(input: $input) { reportRun { id parameters { raw } } userErrors { __typename message path } }
}`;

const INTERVAL = { start: '2024-01-01T00:00:00Z', end: '2024-02-01T00:00:00Z' };

export const V1_RUNS = '/v1/reporting/report_runs';
export const V2_RUNS = '/v2/reporting/report_runs';

export function v1Input(idempotencyKey: string | null, parameters: object = {}): object {
  const interval = { intervalStart: INTERVAL.start, intervalEnd: INTERVAL.end };
  return {
    v1: {
      reportType: 'balance.summary.1',
      parameters: { ...interval, ...parameters },
      idempotencyKey,
    },
  };
}

export function v2Input(idempotencyKey: string | null, parameters: object = {}): object {
  const interval = { interval_start: INTERVAL.start, interval_end: INTERVAL.end };
  return {
    v2: {
      report: 'report_test_balance_summary',
      parameters: { ...interval, ...parameters },
      idempotencyKey,
    },
  };
}

export function create(endpoint: Endpoint, input: object): Promise<GraphQLAnswer<CreateData>> {
  return endpoint.query<CreateData>(CREATE, { input });
}

/** The run that a create gave, which must have worked. */
export async function created(endpoint: Endpoint, input: object): Promise<{ id: string; raw: object }> {
  const answer = await create(endpoint, input);
  expect(answer).toEqual({
    data: { createReportRun: { reportRun: expect.any(Object), userErrors: [] } },
  });
  const run = answer.data?.createReportRun.reportRun;
  return { id: run?.id ?? '', raw: run?.parameters.raw ?? {} };
}

/** The ids in the graph's list, v1 and v2 together. */
export async function listedIds(endpoint: Endpoint): Promise<string[]> {
  const { data, errors } = await endpoint.query<{ reportRuns: { nodes: { id: string }[] } }>(
    '{ reportRuns(first: 100) { nodes { id } } }',
  );
  expect(errors).toBeUndefined();
  return (data?.reportRuns.nodes ?? []).map(({ id }) => id).sort();
}

export async function upstreamRuns(sandbox: TestSandbox, account: string): Promise<readonly UpstreamRun[]> {
  return (await sandbox.control<{ runs: UpstreamRun[] }>('GET', `runs?account=${account}&mode=test`)).runs;
}

export async function upstreamIds(sandbox: TestSandbox, account: string): Promise<string[]> {
  return (await upstreamRuns(sandbox, account)).map(({ id }) => id).sort();
}

/** Waits for something that happens in another process, 20 s at most. */
export async function until(condition: () => Promise<boolean>): Promise<void> {
  const deadline = Date.now() + 20_000;
  while (!(await condition())) {
    if (Date.now() > deadline) throw new Error('What the test waited for did not happen within 20 s.');
    await sleep(25);
  }
}
