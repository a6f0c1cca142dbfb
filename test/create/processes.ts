import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type GraphQLAnswer, post } from '../support/gateway.js';
import { type Program, startProgram } from '../support/process.js';
import { type TestSandbox, withControl } from '../support/sandbox.js';

export interface GatewayProcess {
  /** Of its graph. */
  readonly url: string;
  query<Data>(query: string, variables?: Record<string, unknown>): Promise<GraphQLAnswer<Data>>;
  /** SIGKILL; resolves when the process has gone. */
  kill(): Promise<void>;
  readonly program: Program;
}

/** Whatever was begun in it is killed and deleted when it is disposed. */
export class Processes implements AsyncDisposable {
  readonly #programs: Program[] = [];
  readonly #folders: string[] = [];

  async folder(): Promise<string> {
    const folder = await mkdtemp(join(tmpdir(), 'gateway-crash-'));
    this.#folders.push(folder);
    return folder;
  }

  async sandbox(): Promise<TestSandbox> {
    const program = this.#start('dist/sandbox/main.js', { SANDBOX_PORT: '0', SANDBOX_RUN_SECONDS: '3600' });
    const [, origin = ''] = await program.says(/at (http:\S+)$/m);
    return withControl(origin, () => kill(program));
  }

  /** `database` is a DATABASE_URL or the path of a file. */
  async gateway(
    upstream: string,
    database: string,
    environment: Record<string, string> = {},
  ): Promise<GatewayProcess> {
    const program = this.#start('dist/main.js', {
      ...gatewayEnvironment(upstream, database),
      ...environment,
    });
    const [, url = ''] = await program.says(/^Report-run gateway: (\S+)$/m);
    return {
      url,
      query: (query, variables) => post(url, query, variables),
      kill: () => kill(program),
      program,
    };
  }

  /** Starts a gateway that is expected to fail, and gives what it ended with. */
  async failingGateway(
    upstream: string,
    ledgerFile: string,
  ): Promise<{ readonly code: number | null; readonly output: string }> {
    const program = this.#start('dist/main.js', gatewayEnvironment(upstream, ledgerFile));
    const code = await program.ended();
    return { code, output: program.output() };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.#programs.map(kill));
    await Promise.all(this.#folders.map((folder) => rm(folder, { recursive: true, force: true })));
  }

  #start(file: string, environment: Record<string, string>): Program {
    const program = startProgram(file, environment);
    this.#programs.push(program);
    return program;
  }
}

function gatewayEnvironment(upstream: string, database: string): Record<string, string> {
  return {
    STRIPE_API_KEY: 'sk_test_x',
    STRIPE_API_BASE: upstream,
    DATABASE_URL: /^[a-z]+:/.test(database) ? database : `file:${database}`,
    AUTH_ANONYMOUS: '1',
    PORT: '0',
    LOG_LEVEL: 'warn',
  };
}

async function kill(program: Program): Promise<void> {
  await program.end('SIGKILL');
}
