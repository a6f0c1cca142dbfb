import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { created, v1Input } from '../create/operations.js';
import { Processes } from '../create/processes.js';
import { command } from './support.js';

const processes = new Processes();

afterAll(() => processes[Symbol.asyncDispose]());

test('npm run purge shows what a stopped gateway has of an account, and deletes it only when told to', async () => {
  const sandbox = await processes.sandbox();
  const ledgerFile = join(await processes.folder(), 'ledger.db');
  const environment = { DATABASE_URL: `file:${ledgerFile}` };
  const purge = (...args: string[]) => command('purge', args, environment);

  expect(await purge('--account', 'acct_x:test')).toEqual({
    code: 1,
    output: `There is no ledger at ${ledgerFile}. DATABASE_URL names another.`,
  });
  const elsewhere = { DATABASE_URL: 'mysql://user:secret@127.0.0.1:9/database' };
  expect(await command('purge', ['--account', 'acct_x:test'], elsewhere)).toEqual({
    code: 1,
    output: 'DATABASE_URL must be file: and a path, or postgres://user:password@host:port/database.',
  });
  const gateway = await processes.gateway(sandbox.origin, ledgerFile);
  await created(gateway, v1Input('a key'));
  const running = await purge('--account', 'acct_x:test', '--yes');
  expect(running.code).toBe(1);
  expect(running.output).toContain(`The ledger ${ledgerFile} is in use`);
  await gateway.kill();

  for (const args of [[], ['--account', 'acct_x'], ['--account', 'everything:test', '--yes']]) {
    expect(await purge(...args)).toEqual({
      code: 1,
      output: expect.stringContaining('Usage: npm run purge'),
    });
  }
  expect((await purge('--account', 'acct_other:test', '--yes')).output).toBe(
    'The ledger has nothing of acct_other:test. The accounts it has: acct_x:test.',
  );
  const shown = await purge('--account', 'acct_x:test');
  expect(shown.code).toBe(0);
  expect(shown.output).toMatch(/^runs +1$/m);
  expect(shown.output).toMatch(/^intents +1$/m);
  expect(shown.output).toContain('Nothing was deleted.');
  const purged = await purge('--account', 'acct_x:test', '--yes');
  expect(purged).toEqual({ code: 0, output: expect.stringContaining('runs: 1 deleted') });
  expect(purged.output).toContain('Nothing of acct_x:test is left in the ledger.');
  expect((await purge('--account', 'acct_x:test')).output).toContain('The accounts it has: none.');
});
