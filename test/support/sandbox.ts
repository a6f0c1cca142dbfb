import { type Sandbox, type SandboxOptions, startSandbox } from '../../src/sandbox/server.js';

/** A sandbox with its control endpoint at hand. */
export interface TestSandbox extends Omit<Sandbox, 'deliverTo'> {
  /** Calls `/_sandbox/<path>` and gives its JSON; throws on anything but 2xx. */
  control<T = unknown>(method: 'GET' | 'POST' | 'DELETE', path: string, body?: unknown): Promise<T>;
  /** The requests that the sandbox has answered since the log was cleared. */
  requests(): Promise<readonly LoggedRequest[]>;
}

export interface LoggedRequest {
  readonly at: number;
  readonly method: string;
  readonly path: string;
  readonly query: string;
  readonly status: number;
  readonly account: string | null;
  readonly idempotencyKey: string | null;
  readonly keySent: boolean;
  /** The header. */
  readonly range: string | null;
  /** What of the answer's body was handed to the network. */
  readonly bytesSent: number;
}

export async function startTestSandbox(options: SandboxOptions = { seed: false }): Promise<TestSandbox> {
  const sandbox = await startSandbox(options);
  return withControl(sandbox.origin, () => sandbox.close());
}

/** The control endpoint of a sandbox wherever it runs. */
export function withControl(origin: string, close: () => Promise<void>): TestSandbox {
  async function control<T>(method: string, path: string, body?: unknown): Promise<T> {
    const answer = await fetch(`${origin}/_sandbox/${path}`, {
      method,
      ...(body === undefined
        ? {}
        : { body: JSON.stringify(body), headers: { 'content-type': 'application/json' } }),
    });
    const text = await answer.text();
    if (!answer.ok) throw new Error(`the sandbox answered ${method} ${path} with ${answer.status}: ${text}`);
    return (text === '' ? null : JSON.parse(text)) as T;
  }
  return {
    origin,
    close,
    control,
    requests: async () => (await control<{ requests: LoggedRequest[] }>('GET', 'requests')).requests,
  };
}
