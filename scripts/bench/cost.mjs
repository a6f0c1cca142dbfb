// Upstream calls of one gateway, for so many running runs, subscribers and ended runs between the running ones. Ticks are counted by the
// claims of the feed in the database, calls in the sandbox's log.
import { compare } from './cover.mjs';
import { openAccount } from './account.mjs';
import { makeFresh } from './history.mjs';
import { openTable, print, progress, sleep } from './output.mjs';
import { openSubscribers } from './sockets.mjs';

/** So long, ms, everything is left alone between the last subscriber and the measurement. */
const SETTLE_MS = 3_000;
/** How long, ms, is measured: the youngest run is watched every second until it is 10 s old. */
const WINDOW_MS = 10_000;
/** How long, ms, at most: until each running run was shown. */
const LONGEST_MS = 60_000;
/** Longer histories take too long to make more than once. */
const OWN_MAX = 10_000;
const RUNS_V1 = '/v1/reporting/report_runs';

/**
 * What was asked, and how many ticks there were, while so many followed the running runs: one by a live list of them all, which watches each,
 * the others one run each. One more follows the youngest run from its first second on, so that there is about a tick a second.
 */
async function measure(world, apis, subscribers, isOver) {
  const { account, gateway, control, v1, v2, ticks, quiet } = world;
  const clients = openSubscribers(gateway.address);
  try {
    await clients.followAll(apis.length === 1 ? apis[0] : null);
    const running = [...v1.running, ...v2];
    await clients.followEach(
      Array.from({ length: subscribers - 1 }, (_, at) => running[at % running.length]),
    );
    await sleep(SETTLE_MS);
    await quiet();
    for (const api of apis) {
      // It takes the place of the oldest, so that there are as many as before.
      const running = api === 'V1' ? v1.running : v2;
      await control(`runs/${running.pop()}/finish`, { outcome: 'succeeded' });
      const fresh = await makeFresh(control, account, api);
      running.unshift(fresh.id);
      if (api === 'V1') v1.all.unshift(fresh);
      await clients.follow(fresh.id);
    }
    const before = await ticks();
    await control('requests', undefined, 'DELETE');
    const began = performance.now();
    for (;;) {
      await sleep(1_000);
      const ms = performance.now() - began;
      if (ms < WINDOW_MS) continue;
      const requests = (await control('requests')).requests.filter((request) => request.account === account);
      if (ms < LONGEST_MS && !isOver(requests)) continue;
      const after = await ticks();
      const made = Object.fromEntries(apis.map((api) => [api, after[api] - before[api]]));
      return { requests, seconds: (performance.now() - began) / 1_000, ticks: made };
    }
  } finally {
    clients.close();
  }
}

/** Counts, and says aloud what should not be. */
function check(requests) {
  const refused = requests.filter(({ status }) => status >= 400);
  if (refused.length > 0)
    print(`  (${refused.length} of these were refused, the first with ${refused[0].status})`);
}

async function costOfV1(bench, { runs, every, subscribers }, row) {
  progress(`${runs} v1 runs, one in ${every} running: making their history`);
  const name = `v1_${runs}_${every}_${subscribers.at(-1)}`;
  const world = await openAccount(bench, { name, v1: runs, every });
  try {
    for (const count of subscribers) {
      progress(`${runs} v1 runs, one in ${every} running, ${count} subscribers`);
      let result = null;
      const { requests, seconds, ticks } = await measure(world, ['V1'], count, (made) => {
        const asked = made.filter(({ path }) => path.startsWith(RUNS_V1));
        result = compare(asked, world.v1.all, world.v1.running);
        return result.least > 0;
      });
      const { made, enough, cover, least, most } = result;
      const shown = `${least} to ${most}`;
      const density = `${100 / every} %`;
      row(runs, density, count, cover, ticks.V1, made / ticks.V1, shown, made / enough, made / seconds);
      check(requests);
    }
  } finally {
    await world.close();
  }
}

async function costOfV2(bench, { runs, subscribers }, row) {
  progress(`${runs} v2 runs: making them`);
  const world = await openAccount(bench, { name: `v2_${runs}`, v2: runs });
  try {
    for (const count of subscribers) {
      progress(`${runs} v2 runs, ${count} subscribers`);
      const { requests, seconds, ticks } = await measure(world, ['V2'], count, () => true);
      const pages = requests.filter(({ path }) => path === '/v2/core/events').length;
      const single = requests.length - pages;
      row(
        runs,
        count,
        ticks.V2,
        pages / ticks.V2,
        single / ticks.V2,
        single / seconds,
        requests.length / seconds,
      );
      check(requests);
    }
  } finally {
    await world.close();
  }
}

async function headline(bench, runs, subscribers) {
  progress(`${runs} runs of each API, ${subscribers} subscribers`);
  const world = await openAccount(bench, { name: 'v1_and_v2', v1: runs, v2: runs });
  try {
    const { requests, seconds } = await measure(world, ['V1', 'V2'], subscribers, () => true);
    const perSecond = (requests.length / seconds).toFixed(2);
    const count = subscribers.toLocaleString('en-US');
    print();
    print(
      `${runs} v1 runs side by side, ${runs} v2 runs, ${count} subscribers: ${perSecond} calls a second in all (at most 8 are wanted).`,
    );
    check(requests);
  } finally {
    await world.close();
  }
}

/** Prints the tables of upstream calls. */
export async function measureCost(bench, { runs, subscribers, every }) {
  print('### v1: list pages');
  print();
  const row = openTable(
    'runs',
    'running',
    'subscribers',
    'smallest cover',
    'ticks',
    'calls/tick',
    'each shown',
    'calls : fewest',
    'calls/s',
  );
  for (const count of runs) {
    for (const one of every) {
      // Each measurement moves the head of the list a little: where that counts, the next has a list of its own.
      const groups = count * one > OWN_MAX ? [subscribers] : subscribers.map((of) => [of]);
      for (const group of groups) await costOfV1(bench, { runs: count, every: one, subscribers: group }, row);
    }
  }
  print();
  print('### v2: events and retrieves');
  print();
  const rowV2 = openTable(
    'runs',
    'subscribers',
    'ticks',
    'event pages/tick',
    'retrieves/tick',
    'retrieves/s',
    'calls/s',
  );
  await costOfV2(bench, { runs: runs.at(-1), subscribers }, rowV2);
  await headline(bench, runs.at(-1), subscribers.at(-1));
}
