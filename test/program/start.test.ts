import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, describe, expect, test } from 'vitest';
import { type Program, startProgram } from '../support/process.js';

const folder = mkdtempSync(join(tmpdir(), 'start-'));
const running = new Set<Program>();

function start(env: Record<string, string> = {}): Program {
  const program = startProgram('dist/main.js', { PORT: '0', ...env });
  running.add(program);
  return program;
}

afterEach(async () => {
  for (const program of running) await program.end('SIGKILL');
  running.clear();
});

afterAll(() => rmSync(folder, { recursive: true, force: true }));

function ledgerFolders(): string[] {
  return readdirSync(tmpdir()).filter((name) => name.startsWith('report-run-gateway-'));
}

describe('the program', () => {
  test('without a key says where it listens and that it uses the embedded sandbox, and leaves nothing behind', async () => {
    const before = new Set(ledgerFolders());
    const program = start();
    await program.says(/http:\/\/127\.0\.0\.1:\d+\/graphql/);
    await program.says(
      /Connected to the embedded sandbox at http:\/\/127\.0\.0\.1:\d+ .*account acct_sandbox:test/,
    );
    expect(await program.end('SIGTERM')).toBe(0);
    expect(ledgerFolders().filter((name) => !before.has(name))).toEqual([]);
  });

  test('with a key does not start unless it is told that anybody may use it', async () => {
    const program = start({ STRIPE_API_KEY: 'sk_test_somebody' });
    expect(await program.ended()).toBe(1);
    expect(program.output()).toContain('AUTH_ANONYMOUS');
    expect(program.output()).not.toContain('sk_test_somebody');
  });

  test('reports every problem of its configuration at once, each with its variable', async () => {
    const program = start({
      PORT: '99999',
      STRIPE_API_KEY: 'pk_live_public',
      LOG_LEVEL: 'loud',
      STRIPE_API_BASE: 'stripe',
      STRIPE_WEBHOOK_SECRETS: 'whsec_one,secret',
    });
    expect(await program.ended()).toBe(1);
    for (const name of ['PORT', 'STRIPE_API_KEY', 'LOG_LEVEL', 'STRIPE_API_BASE', 'STRIPE_WEBHOOK_SECRETS']) {
      expect(program.output()).toMatch(new RegExp(`^ {2}${name}: `, 'm'));
    }
    expect(program.output()).not.toMatch(/pk_live_public|whsec_one/);
    expect(program.output()).not.toMatch(/\bat .*\.js:\d+/);
  });

  test.each([
    ['too short', 'b0w8xV2n'],
    ['too few hex digits', '0123456789abcdef'.repeat(3)],
    ['not random', 'a'.repeat(64)],
    ['good, then not', `${'0123456789abcdef'.repeat(4)},changeme`],
  ])('refuses keys for links that are %s, without showing them', async (_, keys) => {
    const program = start({ FILE_SIGNING_KEYS: keys });
    expect(await program.ended()).toBe(1);
    expect(program.output()).toMatch(/^ {2}FILE_SIGNING_KEYS: must be keys of at least 32 random bytes/m);
    expect(program.output()).not.toContain(keys.split(',').at(-1));
  });

  test('takes keys for links in hex and in base64', async () => {
    const keys = ['hex', 'base64', 'base64url'] as const;
    const bytes = Buffer.from('b49f17c2d8e6a1035b7c4e9088f1d2360aa7735cfe2149bd6b11de0457938a6c', 'hex');
    const program = start({ FILE_SIGNING_KEYS: keys.map((as) => bytes.toString(as)).join(', ') });
    expect(await program.says(/http:\/\/127\.0\.0\.1:\d+\/graphql/)).not.toBeNull();
  });

  test('refuses secrets of webhooks where the sandbox has its own, and an empty list of them', async () => {
    const sandboxed = start({ STRIPE_WEBHOOK_SECRETS: 'whsec_one' });
    expect(await sandboxed.ended()).toBe(1);
    expect(sandboxed.output()).toContain('STRIPE_WEBHOOK_SECRETS: needs STRIPE_API_KEY');
    const empty = start({ STRIPE_API_KEY: 'sk_test_x', AUTH_ANONYMOUS: '1', STRIPE_WEBHOOK_SECRETS: ',' });
    expect(await empty.ended()).toBe(1);
    expect(empty.output()).toContain('STRIPE_WEBHOOK_SECRETS: must have a secret in it');
  });

  test.each(['127.0.0.1', '0.0.0.0'])(
    'has the embedded sandbox tell it of runs by webhooks, listening on %s',
    async (HOST) => {
      const program = start({ HOST, SANDBOX_RUN_SECONDS: '0.5' });
      const [, port = ''] = await program.says(/http:\/\/[\d.]+:(\d+)\/graphql/);
      const [, sandbox = ''] = await program.says(/sandbox at (http:\S+) /);
      await fetch(`${sandbox}/_sandbox/runs`, {
        method: 'POST',
        body: JSON.stringify({ api: 'V1', count: 1 }),
      });
      await program.says(/"path":"\/webhooks\/stripe","status":200/);
      expect((await fetch(`http://127.0.0.1:${port}/health`)).status).toBe(200);
    },
  );

  test('says that the port is taken', async () => {
    const first = start();
    const [, port = ''] = await first.says(/127\.0\.0\.1:(\d+)\/graphql/);
    const second = start({ PORT: port });
    expect(await second.ended()).toBe(1);
    expect(second.output()).toMatch(new RegExp(`${port}.*(in use|taken)`));
  });

  test('starts while Stripe is away where it is told whose key it is, and logs why without the key', async () => {
    const program = start({
      STRIPE_API_KEY: 'sk_test_somebody',
      STRIPE_API_BASE: 'http://127.0.0.1:9',
      STRIPE_ACCOUNT_ID: 'acct_somebody',
      AUTH_ANONYMOUS: '1',
      DATABASE_URL: `file:${join(folder, 'away.db')}`,
    });
    await program.says(/Connected to http:\/\/127\.0\.0\.1:9, account acct_somebody:test/);
    await program.says(/"type":"UpstreamError","message":"[^"]+".*a feed could not be refreshed/);
    expect(program.output()).not.toContain('sk_test_somebody');
  });

  test('says that Stripe does not answer, where it cannot find out whose key it is', async () => {
    const program = start({
      STRIPE_API_KEY: 'sk_test_somebody',
      STRIPE_API_BASE: 'http://127.0.0.1:9',
      AUTH_ANONYMOUS: '1',
      DATABASE_URL: `file:${join(folder, 'start.db')}`,
    });
    expect(await program.ended()).toBe(1);
    expect(program.output()).toContain('STRIPE_ACCOUNT_ID');
  });
});
