import { randomBytes } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Logger, pino } from 'pino';
import { type Config, readConfig } from './config.js';
import { openGateway } from './gateway.js';
import { startSandbox } from './sandbox/server.js';
import { openAdmin } from './server/admin.js';
import { createAdminRoutes } from './server/admin-routes.js';
import { loggable } from './server/errors.js';
import type { ServicesOptions } from './services.js';

/** The account of the embedded sandbox that has the sample runs. */
const SANDBOX_KEY = 'sk_test_sandbox';

/** What listens everywhere is reached here. */
const ANY_ADDRESS: Readonly<Record<string, string>> = { '0.0.0.0': '127.0.0.1', '[::]': '[::1]' };

/** Closes what was opened, last first. */
type Closer = () => Promise<void>;

interface Upstream {
  readonly options: Omit<ServicesOptions, 'log' | 'monthlyReads' | 'retentionDays'>;
  /** For the line that says what the gateway is connected to. */
  readonly description: string;
  /** Called with the origin under which this machine reaches the gateway, once it listens. */
  readonly onListening: (origin: string) => void;
}

/** Reads the environment, starts everything, and ends the process with a sentence if that fails. */
export async function runProgram(): Promise<void> {
  await run().catch(fail);
}

async function run(): Promise<void> {
  const config = readConfig(process.env);
  const log = pino({ level: config.logLevel, serializers: { err: redacted } });
  const closers: Closer[] = [];
  const close = async (): Promise<void> => {
    for (let closer = closers.pop(); closer !== undefined; closer = closers.pop()) await closer();
  };
  // Before anything is opened: whoever is stopped while it starts must not leave a folder behind.
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.once(signal, () => {
      log.info({ signal }, 'shutting down');
      close().then(() => process.exit(0), fail);
    });
  }
  try {
    await start(config, log, closers);
  } catch (error) {
    await close();
    throw error;
  }
}

async function start(config: Config, log: Logger, closers: Closer[]): Promise<void> {
  const { options, description, onListening } = await openUpstream(config, closers);
  const { monthlyReads, retentionDays, fileSigningKeys, graphiql, introspection, allowedHosts } = config;
  const serving = { fileSigningKeys, graphiql, introspection, allowedHosts };
  const gateway = await openGateway({ ...options, ...serving, monthlyReads, retentionDays, log });
  closers.push(() => gateway.close());
  const port = await gateway.listen(config.port, config.host).catch((error: NodeJS.ErrnoException) => {
    throw new Error(explained(error, config), { cause: error });
  });
  const routes = createAdminRoutes(gateway.operations, () => gateway.now());
  closers.push(await openAdmin({ path: config.adminSocket, routes, log }));
  const host = config.host.includes(':') ? `[${config.host}]` : config.host;
  onListening(`http://${ANY_ADDRESS[host] ?? host}:${port}`);
  process.stdout.write(
    `\nReport-run gateway: http://${host}:${port}/graphql\nConnected to ${description}, account ${gateway.services.account}\n\n`,
  );
}

/** Whoever logs an error, no key, token or link of it gets into the log. */
function redacted(error: unknown): unknown {
  return error instanceof Error ? loggable(error) : error;
}

/** Why the gateway cannot listen, in the words of its configuration. */
function explained(error: NodeJS.ErrnoException, { host, port }: Config): string {
  if (error.code === 'EADDRINUSE') {
    return `Port ${port} of ${host} is in use. Stop what listens there, or set PORT to another one (0 takes a free one).`;
  }
  if (error.code === 'EACCES') {
    return `Port ${port} needs more rights than this process has. Set PORT to one above 1023.`;
  }
  return `Listening on ${host}, port ${port}, failed: ${error.message}`;
}

async function openUpstream({ upstream }: Config, closers: Closer[]): Promise<Upstream> {
  if (upstream.kind === 'stripe') {
    return { options: upstream, description: upstream.base.origin, onListening: () => {} };
  }
  const sandbox = await startSandbox({ port: upstream.port, runSeconds: upstream.runSeconds });
  closers.push(() => sandbox.close());
  // A ledger must not outlive the sandbox it was filled from, whose runs are new at every start.
  const folder = await mkdtemp(join(tmpdir(), 'report-run-gateway-'));
  closers.push(() => rm(folder, { recursive: true, force: true }));
  const { v2Version, v2Reports } = upstream;
  const database = `file:${join(folder, 'ledger.db')}`;
  const base = new URL(sandbox.origin);
  const secret = `whsec_${randomBytes(24).toString('hex')}`;
  return {
    options: {
      apiKey: SANDBOX_KEY,
      base,
      accountId: null,
      v2Version,
      v2Reports,
      database,
      webhookSecrets: [secret],
    },
    description: `the embedded sandbox at ${sandbox.origin} (set STRIPE_API_KEY to use Stripe)`,
    onListening: (origin) => sandbox.deliverTo(`${origin}/webhooks/stripe`, secret),
  };
}

function fail(error: unknown): never {
  const reason = error instanceof Error ? error.message : String(error);
  process.stderr.write(`report-run-gateway: ${reason}\n`);
  process.exit(1);
}
