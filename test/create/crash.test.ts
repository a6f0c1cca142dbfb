import { join } from 'node:path';
import { expect, test } from 'vitest';
import { command } from '../commands/support.js';
import type { TestSandbox } from '../support/sandbox.js';
import {
  create,
  created,
  listedIds,
  until,
  upstreamIds,
  V1_RUNS,
  V2_RUNS,
  v1Input,
  v2Input,
} from './operations.js';
import { type GatewayProcess, Processes } from './processes.js';

const ACCOUNT = 'acct_x';
/** Two runs of each API; the mutation is repeated after the crash for one of each. They differ in what they ask for. */
const REPEATED = {
  v1: v1Input('v1 repeated', { currency: 'eur' }),
  v2: v2Input('v2 repeated', { currency: 'eur' }),
};
const LEFT = { v1: v1Input('v1 left', { currency: 'usd' }), v2: v2Input('v2 left', { currency: 'usd' }) };
const ALL = [REPEATED.v1, REPEATED.v2, LEFT.v1, LEFT.v2];

interface FaultState {
  readonly path: string;
  readonly remaining: number | null;
  readonly held: number;
}

async function faults(sandbox: TestSandbox): Promise<readonly FaultState[]> {
  return (await sandbox.control<{ faults: FaultState[] }>('GET', 'faults')).faults;
}

/** One fault for each API's POSTs, met by both mutations. */
async function failPosts(sandbox: TestSandbox, fault: object): Promise<void> {
  for (const path of [V1_RUNS, V2_RUNS]) {
    await sandbox.control('POST', 'faults', { method: 'POST', path, times: 2, ...fault });
  }
}

/** Sends all mutations without waiting for them: the process that would answer is going to be killed. */
function sendAll(gateway: GatewayProcess): void {
  for (const input of ALL) create(gateway, input).catch(() => {});
}

/** Whether the gateway has finished every create that was left to it, as it tells an operator. */
async function isAllFinished(socket: string): Promise<boolean> {
  const { output } = await command('intents', [], { ADMIN_SOCKET: socket });
  return output.endsWith('0 creates need an operator, 0 are still being finished.');
}

/** Kills the gateway when `isThere`, starts another on its ledger, and checks that each key has its one run. */
async function crash(
  prepare: (sandbox: TestSandbox) => Promise<void>,
  isThere: (sandbox: TestSandbox) => Promise<boolean>,
): Promise<Counts> {
  await using processes = new Processes();
  const sandbox = await processes.sandbox();
  const folder = await processes.folder();
  const ledgerFile = join(folder, 'ledger.db');
  const first = await processes.gateway(sandbox.origin, ledgerFile);
  await prepare(sandbox);
  sendAll(first);
  await until(() => isThere(sandbox));
  await first.kill();

  const socket = join(folder, 'admin.sock');
  const second = await processes.gateway(sandbox.origin, ledgerFile, { ADMIN_SOCKET: socket });
  await sandbox.control('DELETE', 'faults');
  await checkRepeated(second);
  // The others are finished by the gateway itself: nobody asks for them.
  await until(() => isAllFinished(socket));
  return await count(sandbox, second, ALL);
}

/** A request that the dead gateway left may still hold its key, so the first answer can be that it is not known yet. */
async function checkRepeated(gateway: GatewayProcess): Promise<void> {
  for (const input of [REPEATED.v1, REPEATED.v2]) {
    await until(async () => {
      const { errors } = await create(gateway, input);
      expect([undefined, 'UNKNOWN']).toContain(errors?.[0]?.extensions?.['outcome']);
      return errors === undefined;
    });
  }
}

interface Counts {
  readonly upstream: number;
  readonly listed: number;
  /** When each mutation was repeated once more. */
  readonly posts: number;
}

const ONE_EACH: Counts = { upstream: ALL.length, listed: ALL.length, posts: 0 };

/** Repeats every mutation and counts; each must give a run of its own, of what was asked for, that is upstream and in the list. */
async function count(
  sandbox: TestSandbox,
  gateway: GatewayProcess,
  inputs: readonly object[],
): Promise<Counts> {
  const upstream = await upstreamIds(sandbox, ACCOUNT);
  await sandbox.control('DELETE', 'requests');
  const runs = [];
  for (const input of inputs) runs.push(await created(gateway, input));
  for (const [index, { raw }] of runs.entries()) {
    const { currency } = raw as { currency: string };
    expect(JSON.stringify(inputs[index])).toContain(`"currency":"${currency}"`);
  }
  const ids = runs.map(({ id }) => id).sort();
  expect(ids).toEqual(upstream);
  const listed = await listedIds(gateway);
  expect(listed).toEqual(upstream);
  expect(await upstreamIds(sandbox, ACCOUNT)).toEqual(upstream);
  const requests = await sandbox.requests();
  const posts = requests.filter(({ method }) => method === 'POST').length;
  return { upstream: upstream.length, listed: listed.length, posts };
}

const holdsAll = async (sandbox: TestSandbox): Promise<boolean> =>
  (await faults(sandbox)).every(({ held }) => held === 2);

const isUsedUp = async (sandbox: TestSandbox): Promise<boolean> =>
  (await faults(sandbox)).every(({ remaining }) => remaining === 0);

test.concurrent('killed before the intent, a create has left nothing, and can be repeated', async () => {
  await using processes = new Processes();
  const sandbox = await processes.sandbox();
  const ledgerFile = join(await processes.folder(), 'ledger.db');
  const first = await processes.gateway(sandbox.origin, ledgerFile);
  for (const path of ['/v1/reporting/report_types', '/v2/reporting/reports/*']) {
    await sandbox.control('POST', 'faults', { method: 'GET', path, kind: 'hold', times: 0 });
  }
  sendAll(first);
  await until(async () => (await faults(sandbox)).every(({ held }) => held > 0));
  await first.kill();
  const second = await processes.gateway(sandbox.origin, ledgerFile);
  await sandbox.control('DELETE', 'faults');
  await checkRepeated(second);
  expect(await count(sandbox, second, [REPEATED.v1, REPEATED.v2])).toEqual({
    upstream: 2,
    listed: 2,
    posts: 0,
  });
});

test.concurrent('killed after the intent, when no POST has come through, each key gets its one run', async () => {
  const refuse = (sandbox: TestSandbox) => failPosts(sandbox, { kind: 'reset', when: 'before' });
  expect(await crash(refuse, isUsedUp)).toEqual(ONE_EACH);
});

test.concurrent('killed with the POST in flight, each key gets its one run', async () => {
  const hold = (sandbox: TestSandbox) => failPosts(sandbox, { kind: 'hold', when: 'before' });
  expect(await crash(hold, holdsAll)).toEqual(ONE_EACH);
});

test.concurrent('killed after the effect, each key gets its one run', async () => {
  const hold = (sandbox: TestSandbox) => failPosts(sandbox, { kind: 'hold', when: 'after' });
  expect(await crash(hold, holdsAll)).toEqual(ONE_EACH);
});

test.concurrent('killed in the middle of the answer, before the commit, each key gets its one run', async () => {
  const trickle = (sandbox: TestSandbox) => failPosts(sandbox, { kind: 'slow', delayMs: 20 });
  const isDone = async (sandbox: TestSandbox) => (await upstreamIds(sandbox, ACCOUNT)).length === ALL.length;
  expect(await crash(trickle, isDone)).toEqual(ONE_EACH);
});

test.concurrent('a second process on the same ledger, and one of another upstream, fail with a sentence', async () => {
  await using processes = new Processes();
  const [one, other] = await Promise.all([processes.sandbox(), processes.sandbox()]);
  const ledgerFile = join(await processes.folder(), 'ledger.db');
  const gateway = await processes.gateway(one.origin, ledgerFile);
  const second = await processes.failingGateway(one.origin, ledgerFile);
  expect(second.code).toBe(1);
  expect(second.output).toContain(
    `The ledger ${ledgerFile} is in use: another gateway process has it open. Stop that process, or give this one another file in DATABASE_URL.`,
  );
  // The first is none the worse for it.
  await created(gateway, v1Input(null));
  await gateway.kill();
  const moved = await processes.failingGateway(other.origin, ledgerFile);
  expect(moved.code).toBe(1);
  expect(moved.output).toContain(
    `The ledger was filled from ${one.origin} and cannot be used with ${other.origin}.`,
  );
  expect(await other.requests()).not.toContainEqual(expect.objectContaining({ method: 'POST' }));
});
