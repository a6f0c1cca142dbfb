import { learn, makeV1, makeV2 } from './history.mjs';
import { sleep } from './output.mjs';

/** A new account with runs, and a gateway whose ledger knows them. */
export async function openAccount({ shop, sandbox, postgres }, { name, v1 = 0, every = 1, v2 = 0 }) {
  const { control } = sandbox;
  const account = `acct_${name}`;
  const apiKey = `sk_test_${name}`;
  const database = await postgres.database(name);
  await control('settings', { limits: false });
  const runs = v1 === 0 ? { all: [], running: [] } : await makeV1(control, account, v1, every);
  const runsV2 = v2 === 0 ? [] : await makeV2(control, account, v2);
  await learn({ database, sandbox, apiKey, account, v2: runsV2 });
  await control('settings', { limits: true });
  const gateway = await shop.startGateway(sandbox, { STRIPE_API_KEY: apiKey, DATABASE_URL: database.url });
  return {
    account,
    gateway,
    control,
    v1: runs,
    v2: runsV2,
    async ticks() {
      const rows = await database.query('select api, attempt from feeds');
      return Object.fromEntries(rows.map(({ api, attempt }) => [api, Number(attempt)]));
    },
    /** Resolves when no feed owes anything that somebody has asked for. */
    async quiet() {
      const owing = 'select 1 from feeds where asked > served or lease_until is not null';
      while ((await database.query(owing)).length > 0) await sleep(100);
    },
    async close() {
      await gateway.end();
      await database.close();
    },
  };
}
