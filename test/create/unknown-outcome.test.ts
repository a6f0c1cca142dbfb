import { describe, expect, test } from 'vitest';
import { startTestGateway } from '../support/gateway.js';
import { startTestSandbox } from '../support/sandbox.js';
import {
  create,
  created,
  type Endpoint,
  listedIds,
  until,
  upstreamIds,
  V1_RUNS,
  V2_RUNS,
  v1Input,
  v2Input,
} from './operations.js';

interface Row {
  readonly name: string;
  readonly fault: Record<string, unknown>;
  readonly code: string;
  /** Whether Stripe's answer came far enough to have its request id. */
  readonly answered: boolean;
}

const UNAVAILABLE = 'UPSTREAM_UNAVAILABLE';
const CONTRACT = 'UPSTREAM_CONTRACT';

/** Time-outs first: they take the 10 s of a POST, in which the others are done. */
const ROWS: readonly Row[] = [
  { name: 'no answer, before', fault: { kind: 'timeout' }, code: UNAVAILABLE, answered: false },
  { name: 'no answer, after', fault: { kind: 'timeout', when: 'after' }, code: UNAVAILABLE, answered: false },
  { name: 'an endless answer', fault: { kind: 'slow', delayMs: 200 }, code: UNAVAILABLE, answered: true },
  { name: '500 before', fault: { kind: 'error', status: 500 }, code: UNAVAILABLE, answered: true },
  {
    name: '500 after',
    fault: { kind: 'error', status: 500, when: 'after' },
    code: UNAVAILABLE,
    answered: true,
  },
  { name: 'reset before', fault: { kind: 'reset' }, code: UNAVAILABLE, answered: false },
  { name: 'reset after', fault: { kind: 'reset', when: 'after' }, code: UNAVAILABLE, answered: false },
  { name: 'truncated before', fault: { kind: 'truncated' }, code: UNAVAILABLE, answered: true },
  { name: 'truncated after', fault: { kind: 'truncated', when: 'after' }, code: UNAVAILABLE, answered: true },
  { name: 'not JSON before', fault: { kind: 'not_json' }, code: CONTRACT, answered: true },
  { name: 'not JSON after', fault: { kind: 'not_json', when: 'after' }, code: CONTRACT, answered: true },
  { name: '502 with a page', fault: { kind: 'not_json', status: 502 }, code: UNAVAILABLE, answered: true },
];

const MADE_KEY: unknown = expect.stringMatching(/^[0-9a-f-]{36}$/);
const REQUEST_ID: unknown = expect.stringMatching(/^req_\w+$/);

/** v1 gives a stored 5xx again for as long as the key lives; what is done then is in settle.test.ts. */
function isStored(fault: Row['fault'], path: string): boolean {
  return path === V1_RUNS && fault['kind'] === 'error' && fault['status'] === 500;
}

async function staysUnknown(gateway: Endpoint, input: object, key: string): Promise<void> {
  const { errors } = await create(gateway, input);
  expect(errors?.[0]?.extensions).toMatchObject({ outcome: 'UNKNOWN', idempotencyKey: key });
}

async function givesTheRun(gateway: Endpoint, input: object): Promise<void> {
  const { id } = await created(gateway, input);
  expect((await created(gateway, input)).id).toBe(id);
  expect(await listedIds(gateway)).toContain(id);
}

describe.concurrent('a POST whose effect is unknown says so, names its key, and is repeated into the one run', () => {
  test.each(ROWS)('$name', async ({ fault, code, answered }) => {
    const sandbox = await startTestSandbox({ seed: false, runSeconds: 3600 });
    const gateway = await startTestGateway({ upstream: sandbox.origin });
    try {
      const apis = [
        { input: v1Input, path: V1_RUNS, given: 'my own key' },
        { input: v2Input, path: V2_RUNS, given: null },
      ];
      await Promise.all(
        apis.map(async ({ input, path, given }) => {
          await sandbox.control('POST', 'faults', { method: 'POST', path, ...fault });
          const { data, errors } = await create(gateway, input(given));
          expect(data).toBeNull();
          expect(errors).toHaveLength(1);
          const { message = '', extensions = {} } = errors?.[0] ?? {};
          expect(extensions).toEqual({
            code,
            outcome: 'UNKNOWN',
            idempotencyKey: given ?? MADE_KEY,
            ...(answered ? { stripeRequestId: REQUEST_ID } : {}),
          });
          const key = String(extensions['idempotencyKey']);
          expect(message).toContain(`with the idempotency key ${JSON.stringify(key)}`);
          await (isStored(fault, path) ? staysUnknown : givesTheRun)(gateway, input(key), key);
        }),
      );
      const upstream = await upstreamIds(sandbox, 'acct_test');
      const wasStoredWithoutEffect = isStored(fault, V1_RUNS) && fault['when'] !== 'after';
      expect(upstream).toHaveLength(wasStoredWithoutEffect ? 1 : 2);
      // A run that only the list tells of appears there late.
      await until(async () => (await listedIds(gateway)).length === upstream.length);
      expect(await listedIds(gateway)).toEqual(upstream);
    } finally {
      await gateway.close();
      await sandbox.close();
    }
  });
});

test('without anybody repeating it, the gateway finishes the create itself', async () => {
  const sandbox = await startTestSandbox({ seed: false, runSeconds: 3600 });
  const gateway = await startTestGateway({ upstream: sandbox.origin });
  try {
    for (const path of [V1_RUNS, V2_RUNS]) {
      await sandbox.control('POST', 'faults', { method: 'POST', path, kind: 'reset', times: 1 });
    }
    for (const input of [v1Input('one'), v2Input('two')]) {
      expect((await create(gateway, input)).errors).toMatchObject([{ extensions: { outcome: 'UNKNOWN' } }]);
    }
    await expect
      .poll(async () => (await upstreamIds(sandbox, 'acct_test')).length, { timeout: 10_000 })
      .toBe(2);
    await expect
      .poll(() => listedIds(gateway), { timeout: 10_000 })
      .toEqual(await upstreamIds(sandbox, 'acct_test'));
  } finally {
    await gateway.close();
    await sandbox.close();
  }
});
