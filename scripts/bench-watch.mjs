// Follows runs as a gateway in use does, and prints what it costs upstream, how soon subscribers know of an end, and what is left after
// instances were killed. `--quick` measures less of each; `cost`, `delay` and `kills` choose parts. Machines are noisy: compare within one run.
import { measureCost } from './bench/cost.mjs';
import { measureDelay } from './bench/delay.mjs';
import { measureKills } from './bench/kills.mjs';
import { print } from './bench/output.mjs';
import { startPostgres } from './bench/postgres.mjs';
import { openShop } from './bench/support.mjs';

const args = process.argv.slice(2);
const isQuick = args.includes('--quick');
const parts = args.filter((arg) => arg !== '--quick');
const isWanted = (part) => parts.length === 0 || parts.includes(part);

const COST = isQuick
  ? { runs: [10, 100], subscribers: [1, 100], every: [1, 10] }
  : { runs: [10, 100, 1_000], subscribers: [1, 100, 10_000], every: [1, 10, 100] };
const DELAY = isQuick ? { times: 1, count: 20 } : { times: 3, count: 20 };
const KILLS = { seconds: isQuick ? 20 : 60, instances: 3, clients: 10 };

const shop = openShop();
let postgres = null;
try {
  postgres = await startPostgres(shop.folder);
  const bench = { shop, postgres, sandbox: await shop.startSandbox() };
  if (isWanted('cost')) {
    print('## Upstream calls');
    print();
    await measureCost(bench, COST);
    print();
  }
  if (isWanted('delay')) {
    print('## From the end of a run to its subscriber');
    print();
    await measureDelay(bench, DELAY);
    print();
  }
  if (isWanted('kills')) {
    print('## Killed instances');
    print();
    await measureKills(bench, KILLS);
  }
} finally {
  await postgres?.close();
  await shop.close();
}
