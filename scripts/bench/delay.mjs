// How long after a run has ended its subscriber knows, by looking and by webhooks. All clocks are this machine's.
import { openTable, progress, quantile, sleep } from './output.mjs';
import { openSubscribers } from './sockets.mjs';

/** Stripe's limits leave room for a few unknown runs a second. */
const SUBSCRIBE_EVERY_MS = 120;
/** How long, ms, is waited for what a subscriber should have been told long ago. */
const PATIENCE_MS = 60_000;
const SECRETS = { snapshot: 'whsec_bench_snapshot', thin: 'whsec_bench_thin' };
/** Runs of these ages at first, s, end one after the other in so many seconds. */
const AGES = [
  { name: 'up to 10 s', age: 0, within: 6 },
  { name: '1 minute', age: 60, within: 20 },
  { name: '10 minutes', age: 600, within: 45 },
];

/** Makes runs of both APIs, follows each, ends them at random instants, and gives when each ended and when its subscriber knew. */
async function endings({ control, account, clients, count, age, within }) {
  const told = new Map();
  const ids = { V1: [], V2: [] };
  for (let made = 0; made < count; made += 1) {
    for (const api of ['V1', 'V2']) {
      const createdAt = Date.now() - age * 1_000;
      const { ids: of } = await control('runs', { account, api, count: 1, createdAt, status: 'running' });
      ids[api].push(of[0]);
      await clients.follow(of[0], ({ status }, at) => {
        if (status !== 'RUNNING') told.set(of[0], at);
      });
      await sleep(SUBSCRIBE_EVERY_MS);
    }
  }
  const instants = [...ids.V1, ...ids.V2]
    .map((id) => ({ id, after: Math.random() * within * 1_000 }))
    .sort((a, b) => a.after - b.after);
  const began = Date.now();
  const ended = new Map();
  for (const { id, after } of instants) {
    await sleep(Math.max(0, began + after - Date.now()));
    ended.set(id, Date.now());
    await control(`runs/${String(id)}/finish`, { outcome: 'succeeded' });
  }
  const end = Date.now() + PATIENCE_MS;
  while (told.size < ended.size) {
    if (Date.now() > end) throw new Error(`${ended.size - told.size} subscribers were not told of the end`);
    await sleep(50);
  }
  return { ids, ended, told };
}

function openDelays() {
  return { V1: [], V2: [] };
}

/** Adds how long after `since` (a map of instants) the subscribers knew. */
function note(delays, { ids, told }, since) {
  for (const api of ['V1', 'V2'])
    for (const id of ids[api]) if (since.has(id)) delays[api].push(told.get(id) - since.get(id));
}

function rows(row, name, what, delays) {
  for (const [api, ms] of Object.entries(delays))
    row(name, what, api.toLowerCase(), ms.length, quantile(ms, 0.5), quantile(ms, 0.99));
}

async function byLooking({ shop, sandbox, postgres }, { times, count }, row) {
  const account = 'acct_look';
  const database = await postgres.database('look');
  const env = { STRIPE_API_KEY: 'sk_test_look', DATABASE_URL: database.url };
  const gateway = await shop.startGateway(sandbox, env);
  for (const { name, age, within } of AGES) {
    const delays = openDelays();
    for (let time = 0; time < times; time += 1) {
      progress(`by looking, ${name}, ${time + 1} of ${times}`);
      const clients = openSubscribers(gateway.address);
      // New ones are few at a time, or the last would be old before it is followed.
      const few = age === 0 ? Math.ceil(count / 4) : count;
      const result = await endings({ control: sandbox.control, account, clients, count: few, age, within });
      note(delays, result, result.ended);
      clients.close();
    }
    rows(row, 'looking', name, delays);
  }
  await gateway.end();
  await database.close();
}

async function byWebhook({ shop, sandbox, postgres }, { times, count }, row) {
  const { control } = sandbox;
  const account = 'acct_hook';
  const database = await postgres.database('hook');
  const gateway = await shop.startGateway(sandbox, {
    STRIPE_API_KEY: 'sk_test_hook',
    DATABASE_URL: database.url,
    STRIPE_WEBHOOK_SECRETS: Object.values(SECRETS).join(','),
  });
  const url = gateway.address.replace('/graphql', '/webhooks/stripe');
  for (const [payload, secret] of Object.entries(SECRETS))
    await control('webhooks', { url, payload, secret, account });
  const sinceEnd = openDelays();
  const sinceDelivery = openDelays();
  for (let time = 0; time < times; time += 1) {
    progress(`by webhook, ${time + 1} of ${times}`);
    const clients = openSubscribers(gateway.address);
    await control('webhooks/deliveries', undefined, 'DELETE');
    // Older than ten seconds: from then on looks are 30 to 60 s apart, and only a webhook tells in time.
    const result = await endings({ control, account, clients, count, age: 60, within: count });
    note(sinceEnd, result, result.ended);
    note(sinceDelivery, result, firstDeliveries((await control('webhooks/deliveries')).deliveries));
    clients.close();
  }
  rows(row, 'webhook', 'since the end', sinceEnd);
  rows(row, 'webhook', 'since the delivery', sinceDelivery);
  await gateway.end();
  await database.close();
}

/** When the first delivery that tells of a run's end was sent, by run. */
function firstDeliveries(deliveries) {
  const first = new Map();
  for (const { object, type, at } of deliveries)
    if (!type.endsWith('.created')) first.set(object, Math.min(at, first.get(object) ?? at));
  return first;
}

/** Prints the table of delays. `count` runs of each API, `times` over. */
export async function measureDelay(bench, options) {
  const row = openTable('told by', 'run’s age or since', 'API', 'runs', 'p50, ms', 'p99, ms');
  await byLooking(bench, options, row);
  await byWebhook(bench, options, row);
}
