import { expect, test } from 'vitest';
import { created, v1Input } from '../create/operations.js';
import { Processes } from '../create/processes.js';
import { testPostgresUrl } from '../support/databases.js';
import { command } from './support.js';

test('npm run purge refuses a Postgres that a gateway is connected to, wherever that runs', async () => {
  await using processes = new Processes();
  const sandbox = await processes.sandbox();
  const url = await testPostgresUrl();
  const gateway = await processes.gateway(sandbox.origin, url);
  await created(gateway, v1Input('a key'));
  const purge = () => command('purge', ['--account', 'acct_x:test', '--yes'], { DATABASE_URL: url });
  expect(await purge()).toEqual({
    code: 1,
    output: 'The ledger is in use: gateways are connected to the database. Stop them all first.',
  });
  await gateway.program.end('SIGTERM');
  const purged = await purge();
  expect(purged).toEqual({ code: 0, output: expect.stringContaining('Nothing of acct_x:test is left') });
  expect(purged.output).not.toContain(new URL(url).password);
});
