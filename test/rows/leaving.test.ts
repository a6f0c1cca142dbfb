import { PassThrough } from 'node:stream';
import { setTimeout as wait } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { WebSocket } from 'ws';
import { until } from '../support/until.js';
import { type Given, given, modelOf, readUpstream, runWith, STAYING } from './support.js';

/** Its first line alone takes longer than any of these tests. */
const CSV = `${'a'.repeat(3_000)},b\n${'1,2\n'.repeat(5_000)}`;
const ROWS =
  'query ($id: ID!) { reportRun(id: $id) { result { file { rows(first: 100) { nodes { cells } } } } } }';

/** A file that would come for minutes, and byte by byte. */
async function slowly(all: Given): Promise<string> {
  const id = await runWith(all, CSV);
  await modelOf(all, id);
  await all.sandbox.control('POST', 'faults', { kind: 'slow', path: '/v1/files/*' });
  return id;
}

/** Whether still more of the file comes; a byte would every 20 ms. */
async function isRead(all: Given): Promise<boolean> {
  const { bytes } = await readUpstream(all);
  await wait(200);
  return (await readUpstream(all)).bytes > bytes;
}

/** Resolves when the upstream has the request. */
const begun = (all: Given) =>
  until(async () => {
    const { faults } = await all.sandbox.control<{ faults: { remaining: number | null }[] }>('GET', 'faults');
    return faults.every(({ remaining }) => remaining === 0);
  });

test('a reading ends upstream when its client leaves, whatever it reads the file for', async () => {
  for (const field of ['rows(first: 100) { nodes { cells } }', 'columns { name }', 'rowCount']) {
    const lines = new PassThrough({ encoding: 'utf8' });
    const all = await given({ logTo: lines });
    const id = await slowly(all);
    const leaving = new AbortController();
    const asked = fetch(all.gateway.url, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ query: `{ reportRun(id: "${id}") { result { file { ${field} } } } }` }),
      signal: leaving.signal,
    });
    await begun(all);
    leaving.abort();
    await expect(asked).rejects.toMatchObject({ name: 'AbortError' });
    await expect.poll(() => isRead(all), { timeout: 5_000 }).toBe(false);
    expect(lines.read()).not.toMatch(/unexpectedly/);
  }
});

test('a reading ends upstream when the socket of its client is closed', async () => {
  const all = await given();
  const id = await slowly(all);
  const socket = new WebSocket(all.gateway.url.replace('http', 'ws'), 'graphql-transport-ws');
  const say = (message: unknown) => socket.send(JSON.stringify(message));
  socket.on('open', () => say({ type: 'connection_init' }));
  await new Promise((acknowledged) => socket.once('message', acknowledged));
  say({ type: 'subscribe', id: '1', payload: { query: ROWS, variables: { id } } });
  await begun(all);
  socket.close();
  await expect.poll(() => isRead(all), { timeout: 5_000 }).toBe(false);
});

test('a reading goes on as long as anybody waits for it', async () => {
  const all = await given();
  const id = await runWith(all, CSV);
  const file = await modelOf(all, id);
  const { rows } = all.gateway.services;
  const { id: fault } = await all.sandbox.control<{ id: string }>('POST', 'faults', {
    kind: 'hold',
    path: '/v1/files/*',
  });
  const leaving = new AbortController();
  const asked = [leaving.signal, STAYING].map((gone) => rows.page(file, { first: 2, after: null }, gone));
  await begun(all);
  leaving.abort();
  await all.sandbox.control('POST', `faults/${fault}/release`);
  for (const { rows: nodes } of await Promise.all(asked)) expect(nodes).toHaveLength(2);
  expect((await readUpstream(all)).files).toBe(1);
});

test('whoever comes after all have left begins anew', async () => {
  const all = await given();
  const id = await slowly(all);
  const file = await modelOf(all, id);
  const { rows } = all.gateway.services;
  const leaving = new AbortController();
  const left = rows.page(file, { first: 2, after: null }, leaving.signal);
  await begun(all);
  leaving.abort();
  const stayed = rows.page(file, { first: 2, after: null }, STAYING);
  await expect(left).rejects.toMatchObject({ kind: 'unavailable' });
  expect((await stayed).rows).toHaveLength(2);
  const gone = rows.page(file, { first: 3, after: null }, AbortSignal.abort());
  await expect(gone).rejects.toMatchObject({ kind: 'unavailable' });
});
