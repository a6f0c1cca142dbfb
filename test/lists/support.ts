import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import { type GraphQLAnswer, startTestGateway, type TestGateway } from '../support/gateway.js';
import { startTestSandbox, type TestSandbox } from '../support/sandbox.js';

export interface Node {
  readonly id: string;
  readonly api: 'V1' | 'V2';
  readonly status: 'RUNNING' | 'SUCCEEDED' | 'FAILED';
  readonly createdAt: string;
}

export interface Connection {
  readonly edges: readonly { readonly cursor: string; readonly node: Node }[];
  readonly pageInfo: {
    readonly hasNextPage: boolean;
    readonly hasPreviousPage: boolean;
    readonly startCursor: string | null;
    readonly endCursor: string | null;
  };
  readonly totalCount?: number | null;
}

export interface Paging {
  readonly first?: number;
  readonly after?: string | null;
  readonly last?: number;
  readonly before?: string | null;
  readonly filter?: Readonly<Record<string, unknown>>;
}

/** A run as the sandbox has it, which is the truth. */
export interface TrueRun {
  readonly id: string;
  readonly api: 'V1' | 'V2';
  /** Unix ms. */
  readonly created: number;
  readonly status: string;
  readonly type: string;
}

export type Answer = GraphQLAnswer<{ reportRuns: Connection | null }>;

const PAGE = `query Page($first: Int, $after: String, $last: Int, $before: String, $filter: ReportRunFilter) {
  reportRuns(first: $first, after: $after, last: $last, before: $before, filter: $filter) {
    edges { cursor node { id api status createdAt } }
    pageInfo { hasNextPage hasPreviousPage startCursor endCursor }
  }
}`;
const COUNT =
  'query Count($filter: ReportRunFilter) { reportRuns(first: 0, filter: $filter) { totalCount } }';

/** A sandbox with its limits, lateness and random order on, and an account of its own. */
export async function openSandbox(options: { seed?: boolean } = {}): Promise<TestSandbox> {
  const sandbox = await startTestSandbox({ seed: options.seed ?? false, runSeconds: 600 });
  onTestFinished(() => sandbox.close());
  return sandbox;
}

/** The folder goes when the test ends. */
export function ledgerFile(): string {
  const folder = mkdtempSync(join(tmpdir(), 'lists-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  return join(folder, 'ledger.db');
}

/** A gateway of the sandbox's own account; closing it twice is closing it once. */
export async function openGateway(sandbox: TestSandbox, file = ledgerFile()): Promise<TestGateway> {
  const gateway = await startTestGateway({
    upstream: sandbox.origin,
    apiKey: 'sk_test_sandbox',
    ledgerFile: file,
  });
  let closing: Promise<void> | null = null;
  const close = (): Promise<void> => (closing ??= gateway.close());
  onTestFinished(close);
  return { ...gateway, close };
}

/** Makes runs upstream, past all limits; the ids are in the order they were made. */
export async function make(
  sandbox: TestSandbox,
  runs: Readonly<Record<string, unknown>> & { readonly api: 'V1' | 'V2'; readonly count: number },
): Promise<readonly string[]> {
  return (await sandbox.control<{ ids: string[] }>('POST', 'runs', runs)).ids;
}

/** All runs of the sandbox's own account in the gateway's order. */
export async function truth(sandbox: TestSandbox): Promise<readonly TrueRun[]> {
  const { runs } = await sandbox.control<{ runs: TrueRun[] }>('GET', 'runs');
  return runs.toSorted((a, b) => b.created - a.created || (a.id < b.id ? 1 : -1));
}

export const idsOf = (runs: readonly { readonly id: string }[]): string[] => runs.map(({ id }) => id);

export function ask(gateway: TestGateway, paging: Paging): Promise<Answer> {
  return gateway.query<{ reportRuns: Connection | null }>(PAGE, { ...paging });
}

/** A page, which must not be an error. */
export async function page(gateway: TestGateway, paging: Paging): Promise<Connection> {
  const answer = await ask(gateway, paging);
  if (!answer.data?.reportRuns) throw new Error(`no page: ${JSON.stringify(answer)}`);
  return answer.data.reportRuns;
}

export async function totalCount(gateway: TestGateway, filter?: Paging['filter']): Promise<number | null> {
  const answer = await gateway.query<{ reportRuns: { totalCount: number | null } }>(COUNT, { filter });
  if (!answer.data) throw new Error(`no count: ${JSON.stringify(answer)}`);
  return answer.data.reportRuns.totalCount;
}

/** The code of the answer's only error. */
export function codeOf(answer: Answer): unknown {
  return answer.errors?.length === 1 ? answer.errors[0]?.extensions?.['code'] : answer;
}

type UpstreamReport = Readonly<Record<'V1' | 'V2', { readonly state: string; readonly asOf: string | null }>>;

/** What the answer says of how each API answered last. */
export function upstreamOf(answer: Answer): UpstreamReport {
  const report = answer.extensions?.['upstream'];
  if (report === undefined) throw new Error(`nothing of the upstream: ${JSON.stringify(answer)}`);
  return report as UpstreamReport;
}

/** Asks until the answer holds, 15 s at most. */
export async function until<T>(
  read: () => Promise<T>,
  holds: (value: T) => boolean,
  pauseMs = 100,
): Promise<T> {
  const giveUp = Date.now() + 15_000;
  for (;;) {
    const value = await read();
    if (holds(value)) return value;
    if (Date.now() > giveUp)
      throw new Error(`still not so after 15 s: ${JSON.stringify(value).slice(0, 2000)}`);
    await sleep(pauseMs);
  }
}

export function sleep(ms: number): Promise<void> {
  return new Promise((resolve) => {
    setTimeout(resolve, ms);
  });
}

/** Until the whole history is known. */
export async function caughtUp(gateway: TestGateway, count: number): Promise<void> {
  await until(
    () => totalCount(gateway),
    (known) => known === count,
  );
}
