import { expect, test } from 'vitest';
import type { TestGateway } from '../support/gateway.js';
import {
  ask,
  caughtUp,
  idsOf,
  make,
  type Node,
  openGateway,
  openSandbox,
  page,
  sleep,
  until,
  upstreamOf,
} from './support.js';

const MINUTE = 60_000;

async function nodes(gateway: TestGateway, filter?: Record<string, unknown>): Promise<readonly Node[]> {
  const { edges } = await page(gateway, { first: 100, ...(filter ? { filter } : {}) });
  return edges.map(({ node }) => node);
}

test('running runs that have ended upstream are shown ended by a list read a second later', async () => {
  const sandbox = await openSandbox();
  const now = Date.now();
  const running = { status: 'running', spacingMs: 1_000 };
  const v1 = await make(sandbox, { api: 'V1', count: 3, createdAt: now - MINUTE, ...running });
  await make(sandbox, { api: 'V1', count: 240, createdAt: now - 2 * MINUTE, spacingMs: 1_000 });
  const old = await make(sandbox, { api: 'V1', count: 2, createdAt: now - 20 * MINUTE, ...running });
  const v2 = await make(sandbox, { api: 'V2', count: 2, createdAt: now - MINUTE, ...running });
  const gateway = await openGateway(sandbox);
  await caughtUp(gateway, 247);
  const all = [...v1, ...old, ...v2];
  const status = { status: ['RUNNING'] };
  expect(new Set(idsOf(await nodes(gateway, status)))).toEqual(new Set(all));
  const ended = [v1[1], old[0], v2[1]];
  for (const id of ended) await sandbox.control('POST', `runs/${id}/finish`, { outcome: 'failed' });
  await sleep(1_050);
  const left = all.filter((id) => !ended.includes(id));
  expect(new Set(idsOf(await nodes(gateway, status)))).toEqual(new Set(left));
  expect(new Set(idsOf(await nodes(gateway, { status: ['FAILED'] })))).toEqual(new Set(ended));
});

test('one refresh serves all who read at the same time', async () => {
  const sandbox = await openSandbox();
  const now = Date.now();
  await make(sandbox, { api: 'V1', count: 90, createdAt: now - MINUTE, spacingMs: 1_000 });
  await make(sandbox, {
    api: 'V1',
    count: 40,
    createdAt: now - 9 * MINUTE,
    spacingMs: 500,
    status: 'running',
  });
  await make(sandbox, { api: 'V2', count: 2, createdAt: now - MINUTE, status: 'running' });
  const gateway = await openGateway(sandbox);
  await caughtUp(gateway, 132);
  await sleep(1_050);
  await sandbox.control('DELETE', 'requests');
  const began = Date.now();
  const read = await Promise.all(
    Array.from({ length: 60 }, () => page(gateway, { first: 100, filter: { status: ['RUNNING'] } })),
  );
  expect(read.every(({ edges }) => edges.length === 42)).toBe(true);
  // What was read is good for a second: a slow machine may need more than that for its sixty answers.
  const rounds = 1 + Math.floor((Date.now() - began) / 1_000);
  const requests = await sandbox.requests();
  const count = (pattern: RegExp): number =>
    requests.filter(({ path, query }) => pattern.test(`${path}?${query}`)).length;
  // The head, and one page for the running runs, all of which lie below it; events, and the two running v2 runs.
  const heads = count(/^\/v1\/reporting\/report_runs\?limit=100$/);
  expect(heads).toBeLessThanOrEqual(rounds);
  expect(count(/^\/v1\/reporting\/report_runs\?/) - heads).toBeLessThanOrEqual(rounds);
  expect(count(/^\/v2\/core\/events\?/)).toBeLessThanOrEqual(rounds);
  expect(count(/^\/v2\/reporting\//)).toBeLessThanOrEqual(2 * rounds);
  expect(requests.length).toBeLessThanOrEqual(5 * rounds);
});

test('a list that was read within the last second costs nothing', async () => {
  const sandbox = await openSandbox();
  await make(sandbox, { api: 'V1', count: 9, createdAt: Date.now() - MINUTE, status: 'running' });
  const gateway = await openGateway(sandbox);
  await caughtUp(gateway, 9);
  await sleep(1_050);
  await page(gateway, { first: 10 });
  await sandbox.control('DELETE', 'requests');
  for (let read = 0; read < 5; read += 1) await page(gateway, { first: 10 });
  expect(await sandbox.requests()).toEqual([]);
});

test('runs and events that Stripe shows late are found by the next read', async () => {
  const sandbox = await openSandbox();
  await make(sandbox, { api: 'V1', count: 20, createdAt: Date.now() - MINUTE, spacingMs: 100 });
  const gateway = await openGateway(sandbox);
  await caughtUp(gateway, 20);
  const late = [
    ...(await make(sandbox, { api: 'V1', count: 2, createdAt: Date.now() - 5_000, lateMs: 1_500 })),
    ...(await make(sandbox, {
      api: 'V2',
      count: 2,
      status: 'running',
      createdAt: Date.now() - 5_000,
      lateMs: 1_500,
    })),
  ];
  // What is newer is there before, and must not stand in the way of what comes late.
  await make(sandbox, { api: 'V1', count: 130, createdAt: Date.now() });
  await sleep(1_050);
  const early = idsOf(
    await nodes(gateway, { createdAt: { end: new Date(Date.now() - 4_000).toISOString() } }),
  );
  expect(early).toHaveLength(20);
  await sleep(1_050);
  await page(gateway, { first: 1 });
  const seen = await until(
    async () =>
      idsOf(await nodes(gateway, { createdAt: { end: new Date(Date.now() - 4_000).toISOString() } })),
    (ids) => ids.length > 23,
  );
  expect(seen).toEqual(expect.arrayContaining([...late]));
});

test('an answer says as of when it is', async () => {
  const sandbox = await openSandbox();
  const gateway = await openGateway(sandbox);
  const before = Date.now();
  await sleep(1_050);
  const { V1, V2 } = upstreamOf(await ask(gateway, { first: 1 }));
  for (const { state, asOf } of [V1, V2]) {
    expect(state).toBe('READY');
    expect(Date.parse(asOf ?? '')).toBeGreaterThan(before);
  }
});
