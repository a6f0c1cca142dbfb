import * as fc from 'fast-check';
import { afterAll, beforeAll, expect, test } from 'vitest';
import {
  type ClockedSandbox,
  type Creates,
  HOUR,
  MINUTE,
  openCreates,
  startClockedSandbox,
  v1Request,
  v2Request,
} from './creates.js';
import { V1_RUNS, V2_RUNS } from './operations.js';

/** Two keys ask for the very same, so that their runs cannot be told apart by what they are. */
const ACCEPTED = [v1Request('eur'), v1Request('eur'), v1Request('usd'), v2Request('eur'), v2Request('eur')];
/** And two for what Stripe refuses whenever it gets to look at it: there must never be a run. */
const REQUESTS = [...ACCEPTED, v1Request('no currency'), v2Request('no currency')];

type Step =
  /** The mutation with a key, or with two at once, while the next POST of the API fails so. */
  | { readonly kind: 'create'; readonly keys: readonly number[]; readonly fault: object | null }
  | { readonly kind: 'wait'; readonly ms: number }
  | { readonly kind: 'restart' };

const fault = fc.oneof(
  fc.record({
    kind: fc.constantFrom('reset', 'truncated', 'not_json', 'timeout'),
    when: fc.constantFrom('before', 'after'),
  }),
  fc.record({
    kind: fc.constant('error'),
    status: fc.constantFrom(500, 503),
    when: fc.constantFrom('before', 'after'),
  }),
  // These come before Stripe looks at the request.
  fc.record({ kind: fc.constant('error'), status: fc.constantFrom(401, 409, 429) }),
);

const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 8,
    arbitrary: fc.record({
      kind: fc.constant('create' as const),
      keys: fc.array(fc.nat({ max: REQUESTS.length - 1 }), { minLength: 1, maxLength: 2 }),
      fault: fc.option(fault, { freq: 4 }),
    }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      kind: fc.constant('wait' as const),
      ms: fc.constantFrom(5_000, MINUTE, 25 * HOUR),
    }),
  },
  { weight: 1, arbitrary: fc.constant({ kind: 'restart' as const }) },
);

let sandbox: ClockedSandbox;
let accounts = 0;

beforeAll(async () => {
  sandbox = await startClockedSandbox();
});

afterAll(() => sandbox.close());

/** Repeats the mutation with a key, and checks that it never gives another run than before. */
async function repeat(creates: Creates, index: number, known: Map<number, string>): Promise<void> {
  const request = REQUESTS[index];
  if (request === undefined) throw new Error(`there is no key ${index}`);
  const result = await creates.create(request, `key ${index}`);
  if (typeof result !== 'string') return;
  expect(index).toBeLessThan(ACCEPTED.length);
  expect(known.get(index) ?? result).toBe(result);
  known.set(index, result);
}

async function play(creates: Creates, steps: readonly Step[]): Promise<void> {
  const used = new Set<number>();
  const known = new Map<number, string>();
  for (const current of steps) {
    if (current.kind === 'wait') {
      await creates.tried();
      sandbox.clock.now += current.ms;
    } else if (current.kind === 'restart') await creates.restart();
    else {
      const { keys, fault: spec } = current;
      const isV1 = keys.some((key) => REQUESTS[key]?.api === 'V1');
      const path = isV1 ? V1_RUNS : V2_RUNS;
      if (spec !== null) await sandbox.control('POST', 'faults', { method: 'POST', path, ...spec });
      for (const key of keys) if (key < ACCEPTED.length) used.add(key);
      await Promise.all(keys.map((key) => repeat(creates, key, known)));
      await sandbox.control('DELETE', 'faults');
    }
    expect((await creates.upstreamIds()).length).toBeLessThanOrEqual(used.size);
  }
  await creates.tried();
  for (let round = 0; known.size < used.size && round < 8; round += 1) {
    for (const key of used) await repeat(creates, key, known);
    sandbox.clock.now += MINUTE;
  }
  const ids = [...known.values()].sort();
  expect(known.size).toBe(used.size);
  expect(new Set(ids).size).toBe(ids.length);
  expect(await creates.upstreamIds()).toEqual(ids);
  const { runs } = creates.ledger();
  expect(await runs.count({}, 1_000)).toBe(ids.length);
  expect((await runs.get(ids)).size).toBe(ids.length);
}

test('whatever fails, in whatever order it is repeated: as many upstream runs and ledger rows as keys', async () => {
  const property = fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 1, maxLength: 14 }), async (steps) => {
      accounts += 1;
      const creates = await openCreates(sandbox, `property${accounts}`, { createMs: 60 });
      try {
        await play(creates, steps);
      } finally {
        await creates.close();
        await sandbox.control('DELETE', 'faults');
      }
    }),
    { numRuns: 80 },
  );
  await expect(property).resolves.toBeUndefined();
});
