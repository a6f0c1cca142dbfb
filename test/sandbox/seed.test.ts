import { expect, test } from 'vitest';
import { startSandbox } from '../../src/sandbox/server.js';
import { clientOf, EVENTS, items, link, text, V1_RUNS, V2_RUNS } from './support.js';
import type { Json } from './support.js';

const DAY_MS = 24 * 3_600_000;
const key = 'sk_test_sandbox';

test('the default account begins with 150 v1 and 30 v2 runs, and no other does', async () => {
  const clock = { now: Date.UTC(2026, 4, 20, 15) };
  const sandbox = await startSandbox({ now: () => clock.now });
  const { control, get } = clientOf(sandbox.origin);
  const runs = items((await control('GET', 'runs'))['runs']);
  const of = (api: string) => runs.filter((run) => text(run['api']) === api);
  expect([of('V1').length, of('V2').length]).toEqual([150, 30]);
  expect(items((await control('GET', 'runs?account=acct_other'))['runs'])).toEqual([]);

  for (const api of ['V1', 'V2']) {
    const statuses = new Set(of(api).map((run) => text(run['status'])));
    expect(statuses).toContain('succeeded');
    expect(statuses).toContain('running');
    expect(new Set(of(api).map((run) => text(run['type']))).size).toBeGreaterThan(2);
  }
  expect(runs.filter((run) => text(run['status']) === 'failed').length).toBeGreaterThan(2);
  expect(of('V2').filter((run) => text(run['status']) === 'running')).toHaveLength(2);
  const seconds = of('V1').map((run) => Number(run['created']));
  expect(seconds.length - new Set(seconds).size).toBeGreaterThan(20);
  expect(Math.min(...seconds)).toBeGreaterThan(clock.now - 26 * DAY_MS);
  expect(Math.min(...seconds)).toBeLessThan(clock.now - 20 * DAY_MS);

  // All the v2 runs, and only they, can be found through their events.
  const { body } = await get(`${EVENTS}?limit=100&types[0]=v2.reporting.report_run.created`, { key });
  const told = items(body['data']).map((event) => text(event['related_object']?.['id']));
  expect(told.toSorted()).toEqual(
    of('V2')
      .map((run) => text(run['id']))
      .toSorted(),
  );
  const all = await walkEvents();
  const ended = of('V2').filter((run) => text(run['status']) !== 'running').length;
  expect(all.filter((type) => /succeeded|failed/.test(type))).toHaveLength(ended);

  clock.now += 29_000;
  expect(await running()).toBe(7);
  clock.now += 272_000;
  expect(await running()).toBe(0);
  expect((await get(`${V2_RUNS}/${told[0]}`, { key })).status).toBe(200);
  expect((await get(V1_RUNS, { key: 'sk_live_sandbox' })).body['data']).toEqual([]);
  await sandbox.close();

  async function running(): Promise<number> {
    const now = items((await control('GET', 'runs'))['runs']);
    return now.filter((run) => text(run['status']) === 'running').length;
  }

  async function walkEvents(): Promise<string[]> {
    const types: string[] = [];
    for (let path: string | null = `${EVENTS}?limit=50`; path !== null; ) {
      const { body: page }: { body: Json } = await get(path, { key });
      types.push(...items(page['data']).map((event) => text(event['type'])));
      path = link(page['next_page_url']);
    }
    return types;
  }
});

test('a port that is taken is an error', async () => {
  const first = await startSandbox({ seed: false });
  await expect(startSandbox({ seed: false, port: Number(new URL(first.origin).port) })).rejects.toThrow(
    /EADDRINUSE/,
  );
  await first.close();
});
