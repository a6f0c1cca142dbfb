import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { type Account, openAccount } from '../../src/simulation/account.js';
import { seeded } from '../../src/simulation/seeded.js';
import { openStage, type Stage } from './stage.js';

const MEMORY = existsSync('/dev/shm') ? '/dev/shm' : tmpdir();

/** An account on virtual time. Others have made its runs; the history has been read, and somebody follows those that run. */
async function openPaced(history: (stage: Stage) => string[]): Promise<{ stage: Stage; account: Account }> {
  const folder = mkdtempSync(join(MEMORY, 'pace-'));
  const random = seeded(1);
  const stage = await openStage(join(folder, 'ledger.db'), random);
  const { engine, upstream, clock } = stage;
  const running = history(stage);
  const account = await openAccount({
    apiKey: 'sk_test_pace',
    engine,
    upstream,
    clock,
    random,
    webhooks: false,
  });
  account.watch.start();
  onTestFinished(async () => {
    const closed = account.watch.close();
    await clock.pass(30_000);
    await closed;
    await engine.close();
    rmSync(folder, { recursive: true, force: true });
  });
  await clock.pass(120_000);
  for (const id of running) void follow(account, id, () => undefined);
  await clock.pass(60_000);
  return { stage, account };
}

function makeRuns({ upstream }: Stage, runs: Record<string, unknown>): string[] {
  return upstream.control('POST', 'runs', { account: 'acct_pace', ...runs })['ids'] as string[];
}

async function follow({ watch }: Account, id: string, onEnd: () => void): Promise<void> {
  for await (const run of await watch.follow(id))
    if (!(run instanceof Error) && run.status !== 'RUNNING') onEnd();
}

/** Reads so far of an endpoint. */
function reads({ upstream }: Stage, endpoint: string): number {
  return upstream.calls.get(`sk_test_pace ${endpoint}`) ?? 0;
}

const HOUR = 3_600_000;

test('many old runs that lie far apart do not keep a new one waiting', async () => {
  const { stage, account } = await openPaced((to) => {
    const now = to.clock.now();
    const places = Array.from({ length: 60 }, (_, index) => now - HOUR - index * 200_000);
    for (const createdAt of places)
      makeRuns(to, { api: 'V1', count: 120, createdAt: createdAt - 1_000, spacingMs: 1_000 });
    return places.flatMap((createdAt) => makeRuns(to, { api: 'V1', count: 1, status: 'pending', createdAt }));
  });
  const { clock, upstream } = stage;
  const [id = ''] = makeRuns(stage, { api: 'V1', count: 1, status: 'pending' });
  let toldAt = 0;
  void follow(account, id, () => {
    toldAt = clock.now();
  });
  await clock.pass(4_000);
  upstream.control('POST', `runs/${id}/finish`, { outcome: 'succeeded' });
  const endedAt = clock.now();
  await clock.pass(30_000);
  expect(toldAt).toBeGreaterThan(0);
  expect(toldAt - endedAt).toBeLessThan(5_000);
});

test('readers of many runs that lie far apart do not hold up the feed for those who ask next', async () => {
  const { stage, account } = await openPaced((to) => {
    const now = to.clock.now();
    const places = Array.from({ length: 150 }, (_, index) => now - HOUR - index * 200_000);
    for (const createdAt of places)
      makeRuns(to, { api: 'V1', count: 120, createdAt: createdAt - 1_000, spacingMs: 1_000 });
    return places.flatMap((createdAt) => makeRuns(to, { api: 'V1', count: 1, status: 'pending', createdAt }));
  });
  const { clock } = stage;
  const running = await account.ledger.runs.followed('V1');
  void account.watch.reader.read(running.map(({ id }) => id));
  await clock.pass(1_000);
  let isServed = false;
  void account.watch.feeds.V1.ask({ news: true }).finally(() => {
    isServed = true;
  });
  // All of them, one after the other, would take more than half a minute.
  await clock.pass(15_000);
  expect(isServed).toBe(true);
});

test('old runs are looked at as seldom as their own age says, whatever is young beside them', async () => {
  const { stage, account } = await openPaced((to) =>
    makeRuns(to, {
      api: 'V1',
      count: 300,
      status: 'pending',
      createdAt: to.clock.now() - HOUR,
      spacingMs: 1_000,
    }),
  );
  const { clock } = stage;
  const [young = ''] = makeRuns(stage, { api: 'V1', count: 1, status: 'pending' });
  void follow(account, young, () => undefined);
  await clock.pass(2_000);
  const calls = (): number =>
    reads(stage, 'GET /v1/reporting/report_runs') + reads(stage, 'GET /v1/reporting/report_runs/:id');
  const before = calls();
  await clock.pass(30_000);
  // The young one some 15 times, three pages of the others twice or three times.
  expect(calls() - before).toBeLessThan(35);
  expect(calls() - before).toBeGreaterThan(12);
});

test('where much happens to runs of v2 a tick still reads one page of events', async () => {
  const { stage } = await openPaced((to) =>
    makeRuns(to, { api: 'V2', count: 1, status: 'running', createdAt: to.clock.now() - HOUR }),
  );
  const { clock } = stage;
  for (let minute = 0; minute < 8; minute += 1) {
    makeRuns(stage, { api: 'V2', count: 60, status: 'succeeded', createdAt: clock.now() });
    await clock.pass(60_000);
  }
  const before = reads(stage, 'GET /v2/core/events');
  await clock.pass(60_000);
  // More than a thousand events lie within the overlap of ten minutes. A tick each 15 s, and all of them once a minute.
  expect(reads(stage, 'GET /v2/core/events') - before).toBeLessThan(4 + 15);
});
