// Instances on one Postgres are killed while clients create runs through whichever is up. Then the runs are counted on both sides.
import { LEASE_MS } from '../../dist/watch/keep-lease.js';
import { takeOvers, watchClaims } from './claims.mjs';
import { openFleet, random } from './fleet.mjs';
import { openTable, print, progress, quantile, sleep } from './output.mjs';
import { send } from './support.mjs';

const ACCOUNT = 'acct_kills';
const API_KEY = 'sk_live_kills';
const CREATE = `mutation ($input: CreateReportRunInput!) {
  createReportRun(input: $input) { reportRun { id } userErrors { message } } }`;
const PARAMETERS = { intervalStart: '2026-04-01T00:00:00Z', intervalEnd: '2026-05-01T00:00:00Z' };
const PARAMETERS_V2 = { interval_start: PARAMETERS.intervalStart, interval_end: PARAMETERS.intervalEnd };
/** How long, ms, a client goes on for a run that it has begun to create. */
const PATIENCE_MS = 90_000;
const RUN_SECONDS = 5;

function inputFor(api, idempotencyKey) {
  return api === 'V1'
    ? { v1: { reportType: 'balance.summary.1', parameters: PARAMETERS, idempotencyKey } }
    : { v2: { report: 'report_balance_summary', parameters: PARAMETERS_V2, idempotencyKey } };
}

/** Creates a run as a careful client does: with one key, again and again until it is acknowledged. */
async function create(fleet, api, key, stats) {
  const end = Date.now() + PATIENCE_MS;
  for (let attempt = 0; Date.now() < end; attempt += 1) {
    const address = fleet.any();
    if (attempt > 0) stats.repeats += 1;
    if (address !== null) {
      const variables = { input: inputFor(api, key) };
      const answer = await send(address, { query: CREATE, variables }).catch((error) => error);
      const { reportRun, userErrors } = answer.data?.createReportRun ?? {};
      if (userErrors?.length > 0) throw new Error(`a create was refused: ${userErrors[0].message}`);
      if (reportRun) {
        stats.acknowledged.push({ api, key, id: reportRun.id });
        return;
      }
    }
    await sleep(random(200, 600));
  }
}

/** Every other kill comes while the feeds wait for Stripe, so that the holder may die in the middle of a tick. */
async function killAll(fleet, control, end) {
  for (let round = 0; Date.now() < end; round += 1) {
    await sleep(random(1_500, 3_500));
    const held = [];
    if (round % 2 === 1) {
      for (const path of ['/v1/reporting/report_runs', '/v2/core/events'])
        held.push((await control('faults', { kind: 'hold', method: 'GET', path })).id);
      await sleep(random(300, 1_500));
    }
    if (fleet.isRich()) fleet.kill();
    for (const id of held) await control(`faults/${id}/release`, {});
    await control('faults', undefined, 'DELETE');
  }
  await fleet.settled();
}

/** Clients that create runs of both APIs in turn until the end, and then finish what they have begun. */
async function createAll(fleet, clients, end, stats) {
  let count = 0;
  const work = async () => {
    while (Date.now() < end) {
      count += 1;
      progress(`killing: ${fleet.kills.length} killed, ${stats.acknowledged.length} runs created`);
      await create(fleet, count % 2 === 0 ? 'V1' : 'V2', `bench-${count}`, stats);
      await sleep(random(100, 900));
    }
  };
  await Promise.all(Array.from({ length: clients }, work));
  return count;
}

/** The states of all runs in the ledger once it has seen all of them end, or has not for long, and after how many seconds that was. */
async function whenAllHaveEnded(database) {
  const began = performance.now();
  for (;;) {
    const rows = await database.query('select id, status from runs');
    const ledger = new Map(rows.map(({ id, status }) => [id, status]));
    const seconds = Math.round((performance.now() - began) / 1_000);
    if (seconds > PATIENCE_MS / 1_000 || rows.every(({ status }) => status === 'SUCCEEDED'))
      return { ledger, seconds };
    progress(
      `killing: ${rows.filter(({ status }) => status !== 'SUCCEEDED').length} runs have not been seen to end`,
    );
    await sleep(1_000);
  }
}

/** Kills instances for so long while clients create runs, and prints what came of it. */
export async function measureKills(bench, { seconds, instances, clients }) {
  const { control } = bench.sandbox;
  await control('settings', { v2ConcurrentRuns: 100_000, runSeconds: RUN_SECONDS });
  const database = await bench.postgres.database('kills');
  const fleet = openFleet(bench, { STRIPE_API_KEY: API_KEY, DATABASE_URL: database.url }, instances);
  await fleet.start();
  const claims = watchClaims(database);
  const stats = { acknowledged: [], repeats: 0 };
  const end = Date.now() + seconds * 1_000;
  const [asked] = await Promise.all([createAll(fleet, clients, end, stats), killAll(fleet, control, end)]);
  progress('killing: counting');
  await sleep(RUN_SECONDS * 1.2 * 1_000);
  const { runs } = await control(`runs?account=${ACCOUNT}&mode=live`);
  const { ledger, seconds: until } = await whenAllHaveEnded(database);
  const open = await database.query("select count(*) from intents where state not in ('done', 'closed')");
  const { orphaned, other } = takeOvers(await claims.end(), fleet.kills);
  await fleet.close();
  await database.close();

  const upstream = new Set(runs.map(({ id }) => id));
  const ids = new Set(stats.acknowledged.map(({ id }) => id));
  const row = openTable(
    'instances killed',
    'creates begun',
    'acknowledged',
    'requests repeated',
    'still open',
    'runs upstream',
    'runs in the ledger',
    'lost',
    'doubled',
    'end not seen',
  );
  row(
    fleet.kills.length,
    asked,
    stats.acknowledged.length,
    stats.repeats,
    Number(open[0].count),
    upstream.size,
    ledger.size,
    [...ids].filter((id) => !upstream.has(id) || !ledger.has(id)).length,
    upstream.size - ids.size,
    [...upstream].filter((id) => ledger.get(id) !== 'SUCCEEDED').length,
  );
  print();
  print(`The last run had ended; ${until} s later the ledger had the end of each, or had waited in vain.`);
  print(
    `Killed in the middle of a tick: ${orphaned.length} feeds, taken over after ${quantile(orphaned, 0.5)} ms (p50), ${quantile(orphaned, 1)} ms (max); a lease is ${LEASE_MS} ms.`,
  );
  print(
    `Between ticks: ${other.length}, the next tick after ${quantile(other, 0.5)} ms (p50), ${quantile(other, 1)} ms (max).`,
  );
}
