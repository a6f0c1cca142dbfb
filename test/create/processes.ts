import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type GraphQLAnswer, post } from '../support/gateway.js';
import { type TestSandbox, withControl } from '../support/sandbox.js';

/** A program of `dist/` that said where it listens. */
interface Started {
  readonly child: ChildProcess;
  readonly url: string;
}

export interface GatewayProcess {
  query<Data>(query: string, variables?: Record<string, unknown>): Promise<GraphQLAnswer<Data>>;
  /** SIGKILL; resolves when the process has gone. */
  kill(): Promise<void>;
}

/** Whatever was begun in it is ended and deleted when it is disposed. */
export class Processes implements AsyncDisposable {
  readonly #children = new Set<ChildProcess>();
  readonly #folders: string[] = [];

  async folder(): Promise<string> {
    const folder = await mkdtemp(join(tmpdir(), 'gateway-crash-'));
    this.#folders.push(folder);
    return folder;
  }

  async sandbox(): Promise<TestSandbox> {
    const { url, child } = await this.#start('dist/sandbox/main.js', /at (http:\S+)$/m, {
      SANDBOX_PORT: '0',
      SANDBOX_RUN_SECONDS: '3600',
    });
    return withControl(url, () => end(child));
  }

  async gateway(upstream: string, ledgerFile: string): Promise<GatewayProcess> {
    const { url, child } = await this.#start(
      'dist/main.js',
      /^Report-run gateway: (\S+)$/m,
      gatewayEnvironment(upstream, ledgerFile),
    );
    return { query: (query, variables) => post(url, query, variables), kill: () => end(child) };
  }

  /** Starts a gateway that is expected to fail, and gives what it ended with. */
  async failingGateway(
    upstream: string,
    ledgerFile: string,
  ): Promise<{ readonly code: number | null; readonly stderr: string }> {
    const child = this.#spawn('dist/main.js', gatewayEnvironment(upstream, ledgerFile));
    let stderr = '';
    child.stderr?.on('data', (chunk: Buffer) => {
      stderr += String(chunk);
    });
    await once(child, 'close');
    return { code: child.exitCode, stderr };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all([...this.#children].map(end));
    await Promise.all(this.#folders.map((folder) => rm(folder, { recursive: true, force: true })));
  }

  #spawn(program: string, environment: Record<string, string>): ChildProcess {
    const { PATH = '', HOME = '' } = process.env;
    const child = spawn(process.execPath, [program], {
      env: { PATH, HOME, ...environment },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    this.#children.add(child);
    child.once('exit', () => this.#children.delete(child));
    return child;
  }

  #start(program: string, greeting: RegExp, environment: Record<string, string>): Promise<Started> {
    const child = this.#spawn(program, environment);
    let said = '';
    return new Promise((resolve, reject) => {
      const listen = (chunk: Buffer): void => {
        said += String(chunk);
        const url = greeting.exec(said)?.[1];
        if (url !== undefined) resolve({ child, url });
      };
      child.stdout?.on('data', listen);
      child.stderr?.on('data', listen);
      child.once('close', (code) => reject(new Error(`${program} ended with ${code}: ${said}`)));
    });
  }
}

function gatewayEnvironment(upstream: string, ledgerFile: string): Record<string, string> {
  return {
    STRIPE_API_KEY: 'sk_test_x',
    STRIPE_API_BASE: upstream,
    DATABASE_URL: `file:${ledgerFile}`,
    AUTH_ANONYMOUS: '1',
    PORT: '0',
    LOG_LEVEL: 'warn',
  };
}

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const gone = once(child, 'exit');
  child.kill('SIGKILL');
  await gone;
}
