import { once } from 'node:events';
import { type ClientRequest, type IncomingMessage, request, type RequestOptions } from 'node:http';
import { Readable, Writable } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import DataLoader from 'dataloader';
import { pino } from 'pino';
import type { Context, Services } from '../../src/context.js';
import type { ReportRun } from '../../src/models/report-run.js';
import { createFileLinks, type FileLinks } from '../../src/server/file-links.js';
import type { FileOpener } from '../../src/server/files.js';
import { createGatewayServer, type GatewayServerOptions } from '../../src/server/server.js';
import { type Feed, createFeed, schema } from './schema.js';

export const ACCOUNT = 'acct_test:test';

/** A server on a free port, with everything it was given and everything it wrote. */
export interface TestGateway extends AsyncDisposable {
  readonly port: number;
  readonly origin: string;
  readonly feed: Feed;
  readonly links: FileLinks;
  /** Parsed log lines. */
  readonly log: Record<string, unknown>[];
  /** The runs `files` and `reportRun` know. */
  readonly runs: Map<string, ReportRun | Error>;
  /** Unix ms, as the gateway sees it. */
  readonly clock: { now: number };
  close(): Promise<void>;
}

export type TestOptions = Partial<Omit<GatewayServerOptions, 'files'>> & {
  readonly open?: FileOpener;
  readonly stallTimeout?: number;
};

export async function startGateway(options: TestOptions = {}): Promise<TestGateway> {
  const clock = { now: Date.UTC(2026, 10, 20, 12) };
  const log: Record<string, unknown>[] = [];
  const runs = new Map<string, ReportRun | Error>();
  const feed = createFeed();
  const links = createFileLinks({ account: ACCOUNT, keys: [Buffer.alloc(32, 7)], now: () => clock.now });
  const open: FileOpener = options.open ?? (() => Promise.resolve(fileOf(Readable.from(['a,b\n']))));
  const server = createGatewayServer({
    schema,
    services: servicesOf(runs, feed),
    createLoaders,
    introspection: true,
    graphiql: false,
    receiveWebhook: null,
    allowedHosts: [],
    now: () => clock.now,
    closeGrace: 1_000,
    log: pino({ level: 'debug' }, collector(log)),
    ...options,
    files: {
      open,
      verify: (path) => links.verify(path),
      ...(options.stallTimeout === undefined ? {} : { stallTimeout: options.stallTimeout }),
    },
  });
  const port = await server.listen(0, '127.0.0.1');
  let closed: Promise<void> | null = null;
  const close = () => {
    closed ??= server.close();
    return closed;
  };
  return {
    port,
    origin: `http://127.0.0.1:${port}`,
    feed,
    links,
    log,
    runs,
    clock,
    close,
    async [Symbol.asyncDispose]() {
      feed.end();
      await close();
    },
  };
}

/** What a stream brings, as an opened file. */
export function fileOf(stream: Readable): Awaited<ReturnType<FileOpener>> {
  return {
    pipeTo: (target, begin) =>
      new Promise((resolve, reject) => {
        let hasBegun = false;
        const beginOnce = (): void => {
          if (!hasBegun) begin();
          hasBegun = true;
        };
        stream.on('data', (piece: Buffer) => {
          beginOnce();
          if (!target.write(piece)) stream.pause();
        });
        target.on('drain', () => stream.resume());
        stream.on('end', () => {
          beginOnce();
          target.end(resolve);
        });
        stream.on('error', reject);
        stream.on('close', () => reject(new Error('closed')));
        target.on('close', () => stream.destroy());
      }),
  };
}

/** What came back for a request, read to its end. */
export interface Answer {
  readonly status: number;
  readonly headers: IncomingMessage['headers'];
  readonly bytes: Buffer;
  readonly text: string;
  // biome-ignore lint/suspicious/noExplicitAny: tests look into answers whose shape is what they test
  readonly json: any;
}

/** node:http rather than fetch, which neither lets a test choose `Host` nor send a body in pieces. */
export async function send(
  gateway: TestGateway,
  path: string,
  options: RequestOptions & { readonly body?: string | readonly string[] } = {},
): Promise<Answer> {
  const { body, ...rest } = options;
  const req = request({ port: gateway.port, host: '127.0.0.1', path, agent: false, ...rest });
  const answered: Promise<[IncomingMessage]> = once(req, 'response') as Promise<[IncomingMessage]>;
  await writeBody(req, body);
  const [res] = await answered;
  const chunks: Buffer[] = [];
  for await (const chunk of res) chunks.push(chunk as Buffer);
  const bytes = Buffer.concat(chunks);
  const text = bytes.toString();
  return {
    status: res.statusCode ?? 0,
    headers: res.headers,
    bytes,
    text,
    get json() {
      return JSON.parse(text);
    },
  };
}

/** POSTs an operation as GraphQL clients do. */
export function post(
  gateway: TestGateway,
  operation: object,
  headers: Readonly<Record<string, string>> = {},
): Promise<Answer> {
  return send(gateway, '/graphql', {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...headers },
    body: JSON.stringify(operation),
  });
}

/** Waits for something that happens on the other side of a socket. */
export async function until(condition: () => boolean): Promise<void> {
  for (let tries = 0; !condition(); tries++) {
    if (tries > 500) throw new Error('What the test waited for did not happen within 5 s.');
    await sleep(10);
  }
}

async function writeBody(req: ClientRequest, body: string | readonly string[] | undefined): Promise<void> {
  if (body === undefined || typeof body === 'string') {
    req.end(body);
    return;
  }
  // The server may answer and hang up before it has everything: what the test wants is its answer.
  req.on('error', () => {});
  for (const piece of body) {
    if (req.destroyed) return;
    req.write(piece);
    await sleep(1);
  }
  req.end();
}

function collector(lines: Record<string, unknown>[]): Writable {
  return new Writable({
    write(chunk, _encoding, done) {
      lines.push(JSON.parse(String(chunk)));
      done();
    },
  });
}

function createLoaders(services: Services): Context['loaders'] {
  return {
    reportRun: new DataLoader(async (ids: readonly string[]) => services.runs.read(ids)),
    reportType: new DataLoader(async (ids: readonly string[]) =>
      Promise.all(ids.map((id) => services.reportTypes.read(id))),
    ),
  };
}

/** Only what the test schema and the file route ask for. */
function servicesOf(runs: ReadonlyMap<string, ReportRun | Error>, feed: Feed): Services {
  const unused = () => Promise.reject(new Error('The test schema does not ask for this.'));
  return {
    account: ACCOUNT,
    runs: {
      read: async (ids) => ids.map((id) => runs.get(id) ?? null),
      page: unused,
      count: unused,
      follow: async (id) => feed.follow(id),
      outlook: unused,
      followAll: unused,
      upstream: () => ({
        V1: { state: 'READY', asOf: Date.UTC(2026, 10, 20, 11, 59, 59, 250) },
        V2: { state: 'UNAVAILABLE', asOf: null },
      }),
    },
    hasBegun: () => Promise.resolve(false),
    createReportRun: unused,
    reportTypes: { read: async () => null, list: async () => [] },
    rows: { page: unused, columns: unused, count: unused },
    files: { sign: () => ({ path: '/files/unused', expiresAt: 0 }) },
  };
}
