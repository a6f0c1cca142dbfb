import { expect, test } from 'vitest';
import { openEngine } from '../../src/ledger/open-engine.js';
import { testDatabaseUrl } from '../support/databases.js';
import { until } from '../support/until.js';
import { ended, sign } from './events.js';
import { deliver, pathOf, post, setUp, settled, unheard } from './support.js';

test('where the ledger cannot be written Stripe is told to deliver again, which then has its effect', async () => {
  const database = await testDatabaseUrl();
  /** Between two gateways; each has a sandbox, and so an upstream, of its own. */
  const change = async (sql: string): Promise<void> => {
    const engine = await openEngine(database);
    await engine.query("delete from settings where name = 'upstream'");
    await engine.query(sql);
    await engine.close();
  };
  await (await setUp({ database })).gateway.close();
  // A disk that has no room for a noted id.
  await change(`create trigger full before insert on runs when new.version = 0
    begin select raise(abort, 'no room'); end`);
  const full = await setUp({ database });
  const body = ended('V1', await unheard(full, 'V1'), 'failed');
  expect(await deliver(full.hook, body, { signature: sign(body) })).toEqual({
    status: 500,
    text: expect.stringContaining('Deliver it again'),
  });
  expect(await full.rows()).toEqual([]);
  await change('drop trigger full');
  const roomy = await setUp({ database });
  const id = await unheard(roomy, 'V1');
  expect(await post(roomy, ended('V1', id, 'failed'))).toBe(200);
  await until(async () => (await roomy.asked(pathOf(id))) > 0);
  await settled(roomy.sandbox);
  expect(await roomy.rows()).toMatchObject([{ id, status: 'FAILED' }]);
});
