import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

/** A gateway in a process of its own, with its embedded sandbox, on free ports. */
export interface DemoGateway {
  readonly url: string;
  /** What it is connected to, in its own words. */
  readonly connection: string;
  close(): Promise<void>;
}

/** How long, in seconds, the sandbox takes for a run: long enough to watch, short enough to wait for. */
const RUN_SECONDS = 6;

/** Starts the gateway and resolves once it listens; rejects with what it said if it ends before. */
export async function startGateway(): Promise<DemoGateway> {
  const program = fileURLToPath(new URL('../main.js', import.meta.url));
  const { PATH, HOME } = process.env;
  // A key, a port or a ledger that is configured here must not be used by a demonstration.
  const child = spawn(process.execPath, [program], {
    env: { PATH, HOME, PORT: '0', SANDBOX_RUN_SECONDS: String(RUN_SECONDS), LOG_LEVEL: 'error' },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const close = () => end(child);
  try {
    return { ...(await announced(child)), close };
  } catch (error) {
    await close();
    throw error;
  }
}

async function announced(child: ChildProcess): Promise<Pick<DemoGateway, 'url' | 'connection'>> {
  if (child.stdout === null || child.stderr === null) throw new Error('the gateway has no output to read');
  let said = '';
  child.stderr.on('data', (text: Buffer) => {
    said += text.toString();
  });
  let url: string | null = null;
  for await (const line of createInterface({ input: child.stdout })) {
    url ??= /http:\/\/\S+\/graphql/.exec(line)?.[0] ?? null;
    const connection = /^Connected to (.*)$/.exec(line)?.[1];
    if (url !== null && connection !== undefined) {
      child.stdout.resume();
      return { url, connection };
    }
  }
  throw new Error(`the gateway did not start: ${said.trim() || 'it said nothing'}`);
}

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const exited = once(child, 'exit');
  child.kill('SIGTERM');
  await exited;
}
