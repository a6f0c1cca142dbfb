import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';

const program = fileURLToPath(new URL('../../dist/sandbox/main.js', import.meta.url));

/** Runs the program of its own until it says something or ends. */
function run(environment: Record<string, string>) {
  const child = spawn(process.execPath, [program], { env: { ...process.env, ...environment } });
  let output = '';
  for (const stream of [child.stdout, child.stderr])
    stream.on('data', (chunk: Buffer) => (output += chunk.toString()));
  return { child, ended: once(child, 'exit'), output: () => output };
}

test.each(['SIGTERM', 'SIGINT'] as const)(
  'says where it is and how to use it, and ends cleanly on %s',
  async (signal) => {
    const { child, ended, output } = run({ SANDBOX_PORT: '0', SANDBOX_RUN_SECONDS: '1' });
    await expect.poll(output).toMatch(/Ctrl-C/);
    const origin = /http:\/\/127\.0\.0\.1:\d+/.exec(output())?.[0] ?? '';
    expect(output()).toContain(`STRIPE_API_BASE=${origin} STRIPE_API_KEY=sk_test_sandbox`);
    const headers = { authorization: 'Bearer sk_test_sandbox' };
    const account = await fetch(`${origin}/v1/account`, { headers });
    expect(await account.json()).toMatchObject({ id: 'acct_sandbox' });
    child.kill(signal);
    expect(await ended).toEqual([0, null]);
  },
);

test.each([
  ['SANDBOX_PORT', '70000'],
  ['SANDBOX_PORT', 'http'],
  ['SANDBOX_RUN_SECONDS', '-1'],
])('does not start with %s=%s, and says so', async (name, value) => {
  const { ended, output } = run({ [name]: value });
  expect(await ended).toEqual([1, null]);
  expect(output()).toContain(`${name} must be a number from 0 to`);
  expect(output()).toContain(`'${value}'`);
});
