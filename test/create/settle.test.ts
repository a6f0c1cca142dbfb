import { afterAll, beforeAll, beforeEach, expect, onTestFinished, test } from 'vitest';
import { GatewayError } from '../../src/models/errors.js';
import {
  type ClockedSandbox,
  type Creates,
  DAY,
  HOUR,
  MINUTE,
  openCreates,
  type Result,
  startClockedSandbox,
  v1Request,
  v2Request,
} from './creates.js';
import { V1_RUNS, V2_RUNS } from './operations.js';

let sandbox: ClockedSandbox;
/** What the sandbox's dice show, where a test cannot leave it to chance. */
let dice: number | null = null;
let accounts = 0;

beforeAll(async () => {
  sandbox = await startClockedSandbox(() => dice ?? Math.random());
});

afterAll(() => sandbox.close());

beforeEach(async () => {
  await sandbox.control('DELETE', 'faults');
  await sandbox.control('POST', 'settings', { lateRunsMs: 0, events: true });
});

async function open(): Promise<{ creates: Creates; account: string }> {
  accounts += 1;
  const creates = await openCreates(sandbox, `settle${accounts}`);
  onTestFinished(() => creates.close());
  return { creates, account: `acct_settle${accounts}` };
}

function failPost(path: string, fault: object): Promise<unknown> {
  return sandbox.control('POST', 'faults', { method: 'POST', path, ...fault });
}

function unknownFor(key: string): unknown {
  return expect.objectContaining({
    code: 'UPSTREAM_UNAVAILABLE',
    extensions: expect.objectContaining({ outcome: 'UNKNOWN', idempotencyKey: key }),
  });
}

/** The keys of the POSTs that reached the sandbox for an account, in order. */
async function postedKeys(account: string): Promise<(string | null)[]> {
  const requests = await sandbox.requests();
  return requests
    .filter((request) => request.account === account && request.method === 'POST')
    .map(({ idempotencyKey }) => idempotencyKey);
}

async function seeStoredFailure(creates: Creates, key: string, request = v1Request('eur')): Promise<void> {
  expect(await creates.create(request, key)).toEqual(unknownFor(key));
  expect(await creates.create(request, key)).toEqual(unknownFor(key));
}

test('a stored 500 without effect: a minute after it was seen, the create goes on under a fresh key', async () => {
  const { creates, account } = await open();
  await failPost(V1_RUNS, { kind: 'error', status: 500 });
  await seeStoredFailure(creates, 'a');
  sandbox.clock.now += MINUTE - 1;
  expect(await creates.create(v1Request('eur'), 'a')).toEqual(unknownFor('a'));
  expect(await creates.upstreamIds()).toEqual([]);
  sandbox.clock.now += 1;
  const id = await creates.create(v1Request('eur'), 'a');
  expect(await creates.upstreamIds()).toEqual([id]);
  expect(await creates.create(v1Request('eur'), 'a')).toBe(id);
  const keys = await postedKeys(account);
  expect(keys).toHaveLength(5);
  expect(new Set(keys).size).toBe(2);
});

test('a stored 500 with effect: the run is found in the list and adopted', async () => {
  const { creates, account } = await open();
  await failPost(V1_RUNS, { kind: 'error', status: 500, when: 'after' });
  await seeStoredFailure(creates, 'a');
  sandbox.clock.now += MINUTE;
  const id = await creates.create(v1Request('eur'), 'a');
  expect(await creates.upstreamIds()).toEqual([id]);
  expect(new Set(await postedKeys(account)).size).toBe(1);
  expect((await creates.ledger().intents.get('a'))?.state).toBe('done');
});

test('a run that a late attempt started, and that the list shows late, is waited for', async () => {
  const { creates } = await open();
  await sandbox.control('POST', 'settings', { lateRunsMs: 50_000 });
  dice = 0.9;
  onTestFinished(() => {
    dice = null;
  });
  await failPost(V1_RUNS, { kind: 'reset' });
  expect(await creates.create(v1Request('eur'), 'a')).toEqual(unknownFor('a'));
  sandbox.clock.now += 50_000;
  await failPost(V1_RUNS, { kind: 'error', status: 500, when: 'after' });
  // The key is older than a minute now, but the run is 20 s old and not in the list yet.
  expect(await creates.create(v1Request('eur'), 'a')).toEqual(unknownFor('a'));
  sandbox.clock.now += 20_000;
  expect(await creates.create(v1Request('eur'), 'a')).toEqual(unknownFor('a'));
  sandbox.clock.now += MINUTE;
  const id = await creates.create(v1Request('eur'), 'a');
  expect(await creates.upstreamIds()).toEqual([id]);
});

test('runs of other parameters, of other intents and of long ago are not adopted', async () => {
  const { creates, account } = await open();
  const { parameters } = v1Request('eur');
  const old = { account, api: 'V1', count: 1, parameters, createdAt: sandbox.clock.now - 6 * MINUTE };
  await sandbox.control('POST', 'runs', old);
  const other = await creates.create(v1Request('usd'), 'other parameters');
  const owned = await creates.create(v1Request('eur'), 'another intent');
  await failPost(V1_RUNS, { kind: 'error', status: 500 });
  await seeStoredFailure(creates, 'a');
  sandbox.clock.now += MINUTE;
  const id = await creates.create(v1Request('eur'), 'a');
  expect(id).toEqual(expect.stringMatching(/^frr_/));
  expect([other, owned]).not.toContain(id);
  expect(await creates.upstreamIds()).toHaveLength(4);
});

test('two runs that could be the one are an operator’s case: nothing more is started, and the answer says so', async () => {
  const { creates, account } = await open();
  const { parameters } = v1Request('eur');
  await sandbox.control('POST', 'runs', { account, api: 'V1', count: 1, parameters });
  await failPost(V1_RUNS, { kind: 'error', status: 500, when: 'after' });
  await seeStoredFailure(creates, 'a');
  sandbox.clock.now += MINUTE;
  const answer = await creates.create(v1Request('eur'), 'a');
  expect(answer).toEqual(unknownFor('a'));
  expect((answer as GatewayError).message).toBe(
    'It cannot be found out whether the run was started: 2 runs could be the one that was asked for. Nothing more is started under the idempotency key "a"; look for the run in the list.',
  );
  expect((await creates.ledger().intents.get('a'))?.state).toBe('unknown');
  const posted = (await postedKeys(account)).length;
  sandbox.clock.now += 25 * HOUR;
  expect(await creates.create(v1Request('eur'), 'a')).toEqual(answer);
  expect(await postedKeys(account)).toHaveLength(posted);
  expect(await creates.upstreamIds()).toHaveLength(2);
});

test('a run that has all that was asked for and more raises a doubt, unless it is known whose it is', async () => {
  const { creates, account } = await open();
  const { reportType, parameters } = v1Request('eur');
  const more = { api: 'V1' as const, reportType, parameters: { ...parameters, timezone: 'Etc/UTC' } };
  await creates.create(more, 'known');
  await failPost(V1_RUNS, { kind: 'error', status: 500 });
  await seeStoredFailure(creates, 'a');
  sandbox.clock.now += MINUTE;
  expect(await creates.create(v1Request('eur'), 'a')).toEqual(expect.stringMatching(/^frr_/));
  await sandbox.control('POST', 'runs', { account, api: 'V1', count: 1, parameters: more.parameters });
  const before = await creates.upstreamIds();
  await failPost(V1_RUNS, { kind: 'error', status: 500 });
  await seeStoredFailure(creates, 'b');
  sandbox.clock.now += MINUTE;
  expect((await creates.create(v1Request('eur'), 'b')) as GatewayError).toMatchObject({
    message: expect.stringMatching(/the run frr_\w+ could be the one that was asked for/) as string,
  });
  expect(await creates.upstreamIds()).toEqual(before);
});

test('creates for the same that were lost together get a run each, whichever had an effect', async () => {
  const { creates } = await open();
  const keys = ['a', 'b', 'c'];
  for (const [index, key] of keys.entries()) {
    await failPost(V1_RUNS, { kind: 'error', status: 500, when: index === 0 ? 'before' : 'after' });
    expect(await creates.create(v1Request('eur'), key)).toEqual(unknownFor(key));
  }
  expect(await creates.upstreamIds()).toHaveLength(2);
  // Only `a` is known to be spent: the runs may be those of the others, whose keys have not been asked again.
  expect(await creates.create(v1Request('eur'), 'a')).toEqual(unknownFor('a'));
  sandbox.clock.now += MINUTE;
  expect(await creates.create(v1Request('eur'), 'a')).toEqual(unknownFor('a'));
  for (const key of ['b', 'c']) {
    expect(await creates.create(v1Request('eur'), key)).toEqual(unknownFor(key));
  }
  sandbox.clock.now += MINUTE;
  const ids = await Promise.all(keys.map((key) => creates.create(v1Request('eur'), key)));
  expect(new Set(ids).size).toBe(3);
  expect(new Set(ids)).toEqual(new Set(await creates.upstreamIds()));
});

test('of creates for the same that were lost at different times, the earlier gets the earlier run', async () => {
  const { creates } = await open();
  const lose = async (key: string): Promise<void> => {
    await failPost(V1_RUNS, { kind: 'error', status: 500, when: 'after' });
    await seeStoredFailure(creates, key);
  };
  await lose('early');
  const first = await creates.upstreamIds();
  sandbox.clock.now += HOUR;
  await lose('late');
  sandbox.clock.now += MINUTE;
  const ids = [
    await creates.create(v1Request('eur'), 'early'),
    await creates.create(v1Request('eur'), 'late'),
  ];
  expect(ids[0]).toBe(first[0]);
  expect(new Set(ids)).toEqual(new Set(await creates.upstreamIds()));
});

test.each([400, 404, 401, 500])(
  'a list that answers %d while a create is settled leaves it open',
  async (status) => {
    const { creates } = await open();
    await failPost(V1_RUNS, { kind: 'error', status: 500, when: 'after' });
    await seeStoredFailure(creates, 'a');
    sandbox.clock.now += MINUTE;
    await sandbox.control('POST', 'faults', {
      method: 'GET',
      path: V1_RUNS,
      kind: 'error',
      status,
      times: 2,
    });
    expect(await creates.create(v1Request('eur'), 'a')).toMatchObject({
      extensions: { outcome: 'UNKNOWN', idempotencyKey: 'a' },
    });
    await sandbox.control('DELETE', 'faults');
    expect((await creates.ledger().intents.get('a'))?.state).toBe('pending');
    expect(await creates.upstreamIds()).toEqual([await creates.create(v1Request('eur'), 'a')]);
  },
);

test('v1: a key that Stripe is about to forget is not used again; its run is found in the list', async () => {
  const { creates, account } = await open();
  await failPost(V1_RUNS, { kind: 'truncated', when: 'after' });
  expect(await creates.create(v1Request('eur'), 'a')).toEqual(unknownFor('a'));
  sandbox.clock.now += 25 * HOUR;
  expect(await creates.create(v1Request('eur'), 'a')).toEqual(unknownFor('a'));
  sandbox.clock.now += MINUTE;
  expect(await creates.upstreamIds()).toEqual([await creates.create(v1Request('eur'), 'a')]);
  expect(await postedKeys(account)).toHaveLength(1);
});

test('v2: within 29 days the key gives the run', async () => {
  const { creates, account } = await open();
  await failPost(V2_RUNS, { kind: 'reset', when: 'after' });
  expect(await creates.create(v2Request('eur'), 'a')).toEqual(unknownFor('a'));
  sandbox.clock.now += 28 * DAY;
  expect(await creates.upstreamIds()).toEqual([await creates.create(v2Request('eur'), 'a')]);
  expect(new Set(await postedKeys(account)).size).toBe(1);
});

test('v2: after 29 days the event of its creation gives the run', async () => {
  const { creates, account } = await open();
  await failPost(V2_RUNS, { kind: 'reset', when: 'after' });
  expect(await creates.create(v2Request('eur'), 'a')).toEqual(unknownFor('a'));
  sandbox.clock.now += 29.5 * DAY;
  expect(await creates.create(v2Request('eur'), 'a')).toEqual(unknownFor('a'));
  sandbox.clock.now += MINUTE;
  expect(await creates.upstreamIds()).toEqual([await creates.create(v2Request('eur'), 'a')]);
  expect(await postedKeys(account)).toHaveLength(1);
});

test('v2: after 29 days without an event nobody can tell any more', async () => {
  const { creates } = await open();
  await sandbox.control('POST', 'settings', { events: false });
  await failPost(V2_RUNS, { kind: 'reset', when: 'after' });
  expect(await creates.create(v2Request('eur'), 'a')).toEqual(unknownFor('a'));
  sandbox.clock.now += 30 * DAY;
  expect(await creates.create(v2Request('eur'), 'a')).toEqual(unknownFor('a'));
  sandbox.clock.now += MINUTE;
  const answer: Result = await creates.create(v2Request('eur'), 'a');
  expect(answer).toBeInstanceOf(GatewayError);
  expect((answer as GatewayError).message).toContain('It cannot be found out whether the run was started');
  expect((await creates.ledger().intents.get('a'))?.state).toBe('unknown');
  expect(await creates.upstreamIds()).toHaveLength(1);
});

test('a ledger that fails after the POST: the outcome is unknown, and the key gives the run once it can write again', async () => {
  for (const [request, path] of [
    [v1Request('eur'), V1_RUNS],
    [v2Request('eur'), V2_RUNS],
  ] as const) {
    const { creates } = await open();
    const { id } = await sandbox.control<{ id: string }>('POST', 'faults', {
      method: 'POST',
      path,
      kind: 'hold',
      when: 'after',
    });
    const answer = creates.create(request, 'a');
    await expect.poll(() => creates.upstreamIds()).toHaveLength(1);
    creates.breakLedger(true);
    await sandbox.control('POST', `faults/${id}/release`);
    expect(await answer).toMatchObject({
      code: 'INTERNAL_SERVER_ERROR',
      extensions: { outcome: 'UNKNOWN', idempotencyKey: 'a' },
    });
    creates.breakLedger(false);
    expect(await creates.upstreamIds()).toEqual([await creates.create(request, 'a')]);
  }
});

test('what is open when the gateway stops is finished by the next one, without being asked for', async () => {
  const { creates } = await open();
  // More than one round of the loop could once take.
  const keys = Array.from({ length: 15 }, (_, index) => `key ${index}`);
  await failPost(V1_RUNS, { kind: 'reset', when: 'before', times: 15 });
  await Promise.all(keys.map((key) => creates.create(v1Request('eur'), key)));
  expect(await creates.upstreamIds()).toEqual([]);
  await creates.restart();
  await expect
    .poll(async () => (await creates.ledger().intents.nextDue()) === null, { timeout: 5_000 })
    .toBe(true);
  expect(await creates.upstreamIds()).toHaveLength(15);
});
