import { createClient } from 'graphql-ws';
import { WebSocket } from 'ws';
import type { Rows } from './table.js';

/** A report run as the demonstration shows it. */
export interface Run {
  readonly id: string;
  readonly api: 'V1' | 'V2';
  readonly status: 'RUNNING' | 'SUCCEEDED' | 'FAILED';
  readonly createdAt: string;
  readonly finishedAt: string | null;
  readonly reportType: { readonly id: string; readonly name: string | null };
  readonly result: {
    readonly file: {
      readonly size: string;
      readonly filename: string | null;
      readonly contentType: string;
      readonly downloadUrl: { readonly url: string; readonly expiresAt: string };
    } | null;
  } | null;
  readonly failure: { readonly message: string } | null;
}

const FIELDS = `id api status createdAt finishedAt reportType { id name }
  result { file { size filename contentType downloadUrl { url expiresAt } } } failure { message }`;

const CREATE = `mutation Create($input: CreateReportRunInput!) {
  createReportRun(input: $input) { reportRun { ${FIELDS} } userErrors { message path } }
}`;
const FOLLOW = `subscription Follow($id: ID!) { reportRunUpdated(id: $id) { ${FIELDS} } }`;

const ROWS = `query Rows($id: ID!, $first: Int!) {
  reportRun(id: $id) { result { file { columns { name type } rows(first: $first) { nodes { cells } } rowCount } } }
}`;

interface RowsData {
  readonly reportRun: { readonly result: { readonly file: Rows | null } | null } | null;
}

interface CreateData {
  readonly createReportRun: {
    readonly reportRun: Run | null;
    readonly userErrors: readonly { readonly message: string; readonly path: readonly string[] | null }[];
  };
}

/** What any front end would do: a mutation over HTTP, a subscription over a WebSocket. */
export interface Client {
  /** `input` as in `CreateReportRunInput`. Rejects with the user errors in a sentence. */
  create(input: Record<string, unknown>): Promise<Run>;
  /** Calls back with the run as it is and at each change; resolves when it has ended. */
  follow(id: string, onUpdate: (run: Run) => void): Promise<void>;
  /** The first rows of the file of a run that has succeeded. */
  rows(id: string, first: number): Promise<Rows>;
  close(): Promise<void>;
}

export function connect(url: string): Client {
  const socket = createClient({ url: url.replace(/^http/, 'ws'), webSocketImpl: WebSocket });
  return {
    async create(input) {
      const { createReportRun } = await send<CreateData>(url, CREATE, { input });
      const { reportRun, userErrors } = createReportRun;
      if (reportRun === null) throw new Error(userErrors.map(({ message }) => message).join(' '));
      return reportRun;
    },
    async follow(id, onUpdate) {
      const updates = socket.iterate<{ reportRunUpdated: Run | null }>({ query: FOLLOW, variables: { id } });
      for await (const { data, errors } of updates) {
        if (errors !== undefined) throw new Error(errors.map(({ message }) => message).join(' '));
        if (data?.reportRunUpdated) onUpdate(data.reportRunUpdated);
      }
    },
    async rows(id, first) {
      const { reportRun } = await send<RowsData>(url, ROWS, { id, first });
      const file = reportRun?.result?.file ?? null;
      if (file === null) throw new Error(`the run ${id} has no file`);
      return file;
    },
    close: async () => socket.dispose(),
  };
}

async function send<Data>(url: string, query: string, variables: Record<string, unknown>): Promise<Data> {
  const answer = await fetch(url, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ query, variables }),
  });
  const body = (await answer.json()) as { data?: Data; errors?: { message: string }[] };
  if (body.data === undefined || body.errors !== undefined) {
    throw new Error(body.errors?.map(({ message }) => message).join(' ') ?? `HTTP ${answer.status}`);
  }
  return body.data;
}
