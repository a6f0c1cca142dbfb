import { setTimeout as sleep } from 'node:timers/promises';
import * as fc from 'fast-check';
import { afterAll, beforeAll, expect, inject, test } from 'vitest';
import { makeDatabase, type TestDatabase } from '../support/databases.js';
import { type ClockedSandbox, HOUR, MINUTE, startClockedSandbox, v1Request, v2Request } from './creates.js';
import { type Instances, openInstances } from './instances.js';
import { V1_RUNS, V2_RUNS } from './operations.js';

/** Two keys ask for the very same, so that their runs cannot be told apart by what they are. */
const REQUESTS = [v1Request('eur'), v1Request('eur'), v2Request('eur'), v2Request('eur')];

type Step =
  /** The mutation with a key on some instances at once, while the next POST of its API fails so. One may be killed meanwhile. */
  | {
      readonly kind: 'create';
      readonly on: readonly number[];
      readonly key: number;
      readonly fault: object | null;
      readonly kill: { readonly instance: number; readonly afterMs: number } | null;
    }
  | { readonly kind: 'wait'; readonly ms: number };

const fault = fc.oneof(
  fc.record({
    kind: fc.constantFrom('reset', 'truncated', 'timeout'),
    when: fc.constantFrom('before', 'after'),
  }),
  fc.record({
    kind: fc.constant('error'),
    status: fc.constant(500),
    when: fc.constantFrom('before', 'after'),
  }),
  fc.record({ kind: fc.constant('error'), status: fc.constantFrom(409, 429) }),
);

const instance = fc.nat({ max: 1 });

const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 5,
    arbitrary: fc.record({
      kind: fc.constant('create' as const),
      on: fc.array(instance, { minLength: 1, maxLength: 3 }),
      key: fc.nat({ max: REQUESTS.length - 1 }),
      fault: fc.option(fault, { freq: 3 }),
      kill: fc.option(fc.record({ instance, afterMs: fc.nat({ max: 12 }) }), { freq: 2 }),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      kind: fc.constant('wait' as const),
      ms: fc.constantFrom(2_000, MINUTE, 2 * MINUTE, 25 * HOUR),
    }),
  },
);

let sandbox: ClockedSandbox;
let database: TestDatabase;
let accounts = 0;

beforeAll(async () => {
  sandbox = await startClockedSandbox();
  database = await makeDatabase();
});

afterAll(async () => {
  await sandbox.close();
  await database.drop();
});

interface Play {
  readonly instances: Instances;
  readonly used: Set<number>;
  /** What was acknowledged, by key: every answer in the order it came. */
  readonly known: Map<number, string[]>;
}

async function play(scene: Play, current: Step): Promise<void> {
  const { instances, used } = scene;
  if (current.kind === 'wait') await instances.advance(current.ms);
  else await createOn(scene, current);
  expect((await instances.upstreamIds()).length).toBeLessThanOrEqual(used.size);
}

async function createOn(
  scene: Play,
  { on, key, fault: spec, kill }: Step & { kind: 'create' },
): Promise<void> {
  const { instances, used } = scene;
  used.add(key);
  const path = REQUESTS[key]?.api === 'V1' ? V1_RUNS : V2_RUNS;
  if (spec !== null) await sandbox.control('POST', 'faults', { method: 'POST', path, ...spec });
  for (const index of on) void send(scene, index, key);
  if (kill !== null) {
    await sleep(kill.afterMs);
    await instances.kill(kill.instance);
  }
  await instances.idle();
  await sandbox.control('DELETE', 'faults');
}

/** Nobody answers for an instance that is killed. */
async function send({ instances, known }: Play, index: number, key: number): Promise<void> {
  const request = REQUESTS[key];
  if (request === undefined) throw new Error(`there is no key ${key}`);
  const result = await instances.create(index, request, `key ${key}`);
  if (typeof result === 'string') known.set(key, [...(known.get(key) ?? []), result]);
}

/** However it went so far: whoever repeats the mutation gets the run in the end, a run of its own, and there are no others. */
async function finish(scene: Play): Promise<void> {
  const { instances, used, known } = scene;
  for (let round = 0; known.size < used.size && round < 8; round += 1) {
    for (const key of used) {
      void send(scene, round % 2, key);
      await instances.idle();
    }
    await instances.advance(MINUTE + 1_000);
  }
  const answers = [...known].map(([key, ids]) => ({ key: `key ${key}`, ids: [...new Set(ids)] }));
  expect(answers.filter(({ ids }) => ids.length !== 1)).toEqual([]);
  const ids = answers.flatMap((answer) => answer.ids).sort();
  expect(ids).toHaveLength(used.size);
  expect(await instances.upstreamIds()).toEqual(ids);
  const { runs, intents } = instances.ledger;
  expect([...(await runs.get(ids)).keys()].sort()).toEqual(ids);
  for (const answer of answers) expect(await intents.ownerOf(answer.ids[0] ?? '')).toBe(answer.key);
}

test('two instances, killed at any moment, on one ledger: never two runs for one key, never a lost one', async () => {
  const property = fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 1, maxLength: 10 }), async (steps) => {
      accounts += 1;
      const instances = await openInstances(sandbox, `instances${accounts}`, 2, database.url, 60);
      try {
        const scene: Play = { instances, used: new Set(), known: new Map() };
        for (const current of steps) await play(scene, current);
        await finish(scene);
      } finally {
        await instances.close();
        await sandbox.control('DELETE', 'faults');
      }
    }),
    // Each statement takes some 20 times longer there.
    { numRuns: inject('engine') === 'sqlite' ? 60 : 12 },
  );
  await expect(property).resolves.toBeUndefined();
});
