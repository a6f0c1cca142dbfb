import { afterAll, beforeAll, beforeEach, expect, onTestFinished, test } from 'vitest';
import { GatewayError } from '../../src/models/errors.js';
import { testDatabaseUrl } from '../support/databases.js';
import { type ClockedSandbox, MINUTE, startClockedSandbox, v1Request, v2Request } from './creates.js';
import { type Instances, openInstances } from './instances.js';
import { until, V1_RUNS, V2_RUNS } from './operations.js';

let sandbox: ClockedSandbox;
let accounts = 0;

beforeAll(async () => {
  sandbox = await startClockedSandbox();
});

afterAll(() => sandbox.close());

beforeEach(() => sandbox.control('DELETE', 'faults'));

async function open(): Promise<Instances> {
  accounts += 1;
  const instances = await openInstances(sandbox, `pair${accounts}`, 2, await testDatabaseUrl(), 3_000);
  onTestFinished(() => instances.close());
  return instances;
}

function failPost(path: string, fault: object): Promise<{ id: string }> {
  return sandbox.control('POST', 'faults', { method: 'POST', path, ...fault });
}

/** Resolves when so many requests are held. */
async function held(count: number): Promise<void> {
  await until(async () => {
    const { faults } = await sandbox.control<{ faults: { held: number }[] }>('GET', 'faults');
    return faults.some((fault) => fault.held === count);
  });
}

const APIS = [
  { api: 'v1', request: v1Request('eur'), path: V1_RUNS },
  { api: 'v2', request: v2Request('eur'), path: V2_RUNS },
] as const;

test.each(APIS)(
  '$api: the same key on two instances at once gives both the one run',
  async ({ request, path }) => {
    const instances = await open();
    const { id } = await failPost(path, { kind: 'hold', when: 'before' });
    const first = instances.create(0, request, 'a');
    await until(async () => {
      const { faults } = await sandbox.control<{ faults: { held: number }[] }>('GET', 'faults');
      return faults.some(({ held }) => held === 1);
    });
    const second = instances.create(1, request, 'a');
    await sandbox.control('POST', `faults/${id}/release`);
    await instances.idle();
    const ids = await instances.upstreamIds();
    expect(ids).toHaveLength(1);
    expect(await second).toBe(ids[0]);
    expect(await first).toBe(ids[0]);
  },
);

test.each(APIS)(
  '$api: what a killed instance had in hand is finished by the other when its lease has ended',
  async ({ request, path }) => {
    const instances = await open();
    await failPost(path, { kind: 'reset', when: 'after' });
    void instances.create(0, request, 'a');
    await until(async () => (await instances.upstreamIds()).length === 1);
    await instances.kill(0);
    for (let looks = 0; looks < 4; looks += 1) await instances.advance(MINUTE / 2);
    const intent = await instances.ledger.intents.get('a');
    expect([intent?.state, intent?.runId]).toEqual(['done', (await instances.upstreamIds())[0]]);
  },
);

test('two instances that settle at the same moment never give one run to two creates', async () => {
  const instances = await open();
  for (let round = 0; round < 6; round += 1) {
    const keys = [`${round} a`, `${round} b`];
    const before = (await instances.upstreamIds()).length;
    for (const [index, key] of keys.entries()) {
      await failPost(V1_RUNS, { kind: 'error', status: 500, when: index === 0 ? 'after' : 'before' });
      // Twice: a stored failure is known as one when it is replayed.
      for (const instance of [index, 1 - index]) {
        const answer = instances.create(instance, v1Request('eur'), key);
        await instances.idle();
        expect(await answer).toBeInstanceOf(GatewayError);
      }
    }
    sandbox.clock.now += MINUTE;
    // Both look at the list before either has taken the run that is in it.
    const list = { method: 'GET', path: V1_RUNS, kind: 'hold', when: 'after', times: 2 };
    const { id } = await sandbox.control<{ id: string }>('POST', 'faults', list);
    const answers = keys.map((key, index) => instances.create(index, v1Request('eur'), key));
    await held(2);
    await sandbox.control('POST', `faults/${id}/release`);
    await instances.idle();
    const ids = await Promise.all(answers);
    expect(new Set(ids).size).toBe(2);
    expect(await instances.upstreamIds()).toHaveLength(before + 2);
    expect(await instances.upstreamIds()).toEqual(expect.arrayContaining(ids));
  }
});

test('v2: an event that names the key of a create ends it, before anybody asks again', async () => {
  const instances = await open();
  await failPost(V2_RUNS, { kind: 'reset', when: 'after' });
  const answer = instances.create(0, v2Request('eur'), 'a');
  await instances.idle();
  expect(await answer).toBeInstanceOf(GatewayError);
  const [id = ''] = await instances.upstreamIds();
  const { runs, intents } = instances.ledger;
  const upstreamKey = (await intents.get('a'))?.upstreamKey ?? '';
  await runs.note('V2', [{ id, createdAt: sandbox.clock.now, upstreamKey }]);
  expect(await intents.get('a')).toMatchObject({ state: 'done', runId: id });
  const repeated = instances.create(1, v2Request('eur'), 'a');
  await instances.idle();
  expect(await repeated).toBe(id);
});
