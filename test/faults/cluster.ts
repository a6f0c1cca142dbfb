import { type GatewayProcess, Processes } from '../create/processes.js';
import type { SandboxOptions } from '../../src/sandbox/server.js';
import type { TestDatabase } from '../support/databases.js';
import { startTestSandbox, type TestSandbox } from '../support/sandbox.js';
import { until } from '../support/until.js';

/** Whose runs they are: the account of the key that `Processes` gives. */
export const ACCOUNT = 'acct_x';

/** What has a process's wall clock wrong by so many ms: it is imported before the program. */
export function clockOff(ms: number): Record<string, string> {
  const script = `const now=Date.now;Date.now=()=>now()+(${ms})`;
  return { NODE_OPTIONS: `--import=data:text/javascript,${encodeURIComponent(script)}` };
}

/** A sandbox, and gateways on one ledger, each a process of its own. What is left of them ends when it is disposed. */
export interface Cluster extends AsyncDisposable {
  readonly sandbox: TestSandbox;
  /** Those that run. */
  readonly gateways: readonly GatewayProcess[];
  start(environment?: Record<string, string>, database?: string): Promise<GatewayProcess>;
  /** SIGKILL. */
  kill(gateway: GatewayProcess): Promise<void>;
  /** Makes a run that goes on until it is told to end, as others than the gateways would. */
  make(api: 'V1' | 'V2', more?: object): Promise<string>;
  finish(id: string): Promise<unknown>;
  /** Waits until the sandbox holds so many requests, 1 unless told otherwise. */
  held(count?: number): Promise<void>;
}

/** `database` is taken over: it is dropped in the end. */
export async function openCluster(database: TestDatabase, options: SandboxOptions = {}): Promise<Cluster> {
  const processes = new Processes();
  const sandbox = await startTestSandbox({ seed: false, runSeconds: 2, ...options });
  await sandbox.control('POST', 'settings', { v2ConcurrentRuns: 1_000 });
  const gateways: GatewayProcess[] = [];
  return {
    sandbox,
    gateways,
    async start(environment = {}, at = database.url) {
      const admin = { ADMIN_SOCKET: `${await processes.folder()}/admin.sock` };
      const gateway = await processes.gateway(sandbox.origin, at, { ...admin, ...environment });
      gateways.push(gateway);
      return gateway;
    },
    async kill(gateway) {
      gateways.splice(gateways.indexOf(gateway), 1);
      await gateway.kill();
    },
    async make(api, more = {}) {
      const status = api === 'V1' ? 'pending' : 'running';
      const wanted = { account: ACCOUNT, api, count: 1, status, ...more };
      const { ids } = await sandbox.control<{ ids: string[] }>('POST', 'runs', wanted);
      return ids[0] ?? '';
    },
    finish: (id) => sandbox.control('POST', `runs/${id}/finish`, { outcome: 'succeeded' }),
    held: (count = 1) =>
      until(async () => {
        const { faults } = await sandbox.control<{ faults: { held: number }[] }>('GET', 'faults');
        return faults.reduce((sum, { held }) => sum + held, 0) >= count;
      }),
    async [Symbol.asyncDispose]() {
      await processes[Symbol.asyncDispose]();
      await sandbox.close();
      await database.drop();
    },
  };
}
