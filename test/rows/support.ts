import { onTestFinished } from 'vitest';
import type { ReportFile } from '../../src/models/report-run.js';
import { type GraphQLAnswer, startTestGateway, type TestGateway } from '../support/gateway.js';
import { startTestSandbox, type TestSandbox } from '../support/sandbox.js';

export interface Given {
  readonly sandbox: TestSandbox;
  readonly gateway: TestGateway;
}

/** A gateway before a sandbox, both closed when the test ends. */
export async function given(options: { readonly logTo?: NodeJS.WritableStream } = {}): Promise<Given> {
  const sandbox = await startTestSandbox();
  const gateway = await startTestGateway({ upstream: sandbox.origin, ...options });
  onTestFinished(async () => {
    await gateway.close();
    await sandbox.close();
  });
  return { sandbox, gateway };
}

/** Whoever asks with this does not leave before the answer. */
export const STAYING = new AbortController().signal;

export interface RunOf {
  readonly api?: 'V1' | 'V2';
  readonly contentType?: 'csv' | 'zip';
  readonly status?: string;
  readonly file?: object;
}

/** A run that has ended with this file, or with as many bytes of CSV. */
export async function runWith(
  { sandbox }: Given,
  content: string | Buffer | number,
  { api = 'V1', contentType = 'csv' }: RunOf = {},
): Promise<string> {
  const file =
    typeof content === 'number' ? { bytes: content } : { base64: Buffer.from(content).toString('base64') };
  // Made with its file: the gateway may see the run as soon as it is there.
  return runOf({ sandbox }, { api, file: { ...file, contentType } });
}

export async function runOf(
  { sandbox }: Pick<Given, 'sandbox'>,
  { api = 'V1', status, file }: RunOf = {},
): Promise<string> {
  const chosen = { ...(status === undefined ? {} : { status }), ...(file === undefined ? {} : { file }) };
  const run = { account: 'acct_test', api, count: 1, ...chosen };
  const { ids } = await sandbox.control<{ ids: string[] }>('POST', 'runs', run);
  return ids[0] ?? '';
}

/** How often and how much of files was read upstream since the log was cleared. */
export async function readUpstream({
  sandbox,
}: Given): Promise<{ files: number; runs: number; bytes: number; ranges: unknown[] }> {
  const requests = await sandbox.requests();
  const files = requests.filter(({ path }) => /^\/(?:v1\/files|blob)\//.test(path));
  return {
    files: files.length,
    runs: requests.filter(({ path }) => path.includes('report_runs/')).length,
    bytes: files.reduce((sum, { bytesSent }) => sum + bytesSent, 0),
    ranges: files.map(({ range }) => range),
  };
}

export interface RowsPage {
  readonly nodes: readonly { readonly cells: readonly string[]; readonly values: Record<string, string> }[];
  readonly edges: readonly { readonly cursor: string }[];
  readonly pageInfo: {
    readonly hasNextPage: boolean;
    readonly hasPreviousPage: boolean;
    readonly startCursor: string | null;
    readonly endCursor: string | null;
  };
}

interface FileAnswer {
  readonly reportRun: {
    readonly result: { readonly file: { readonly rows: RowsPage | null } | null } | null;
  };
}

const ROWS = `query ($id: ID!, $first: Int, $after: String) {
  reportRun(id: $id) { result { file { rows(first: $first, after: $after) {
    nodes { cells values }
    edges { cursor }
    pageInfo { hasNextPage hasPreviousPage startCursor endCursor }
  } } } }
}`;

export interface Paging {
  readonly first?: number | null;
  readonly after?: string | null;
}

/** A page of rows, with what went wrong with it. */
export function answerOf(
  { gateway }: Given,
  id: string,
  paging: Paging = {},
): Promise<GraphQLAnswer<FileAnswer>> {
  return gateway.query<FileAnswer>(ROWS, { id, ...paging });
}

/** A page of rows; throws where there is none. */
export async function rowsOf(from: Given, id: string, paging: Paging = {}): Promise<RowsPage> {
  const { data, errors } = await answerOf(from, id, paging);
  const page = data?.reportRun.result?.file?.rows;
  if (!page || errors) throw new Error(`no rows came: ${JSON.stringify(errors)}`);
  return page;
}

/** The error of a page, by its code and message. */
export async function refusalOf(from: Given, id: string, paging: Paging = {}) {
  const { errors } = await answerOf(from, id, paging);
  return {
    code: errors?.[0]?.extensions?.['code'],
    message: errors?.[0]?.message ?? '',
    extensions: errors?.[0]?.extensions,
  };
}

/** Fields of a file that are not its rows. */
export async function fileOf<T>({ gateway }: Given, id: string, fields: string): Promise<T> {
  const { data, errors } = await gateway.query<{ reportRun: { result: { file: T } } }>(
    `query ($id: ID!) { reportRun(id: $id) { result { file { ${fields} } } } }`,
    { id },
  );
  if (errors || !data) throw new Error(`the file did not come: ${JSON.stringify(errors)}`);
  return data.reportRun.result.file;
}

/** The file as the gateway's services have it. */
export async function modelOf({ gateway }: Given, id: string): Promise<ReportFile> {
  const [run] = await gateway.services.runs.read([id]);
  const file = run instanceof Error ? null : run?.result?.file;
  if (!file) throw new Error(`the run ${id} has no file`);
  return file;
}
