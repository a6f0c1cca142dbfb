import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pino } from 'pino';
import { Agent, request } from 'undici';
import { expect, onTestFinished, test } from 'vitest';
import { openAdmin } from '../../src/server/admin.js';
import { until } from '../support/until.js';

function openSocket(path: string, name: string): Promise<() => Promise<void>> {
  const routes = { 'GET /name': () => Promise.resolve({ name }) };
  return openAdmin({ path, routes, log: pino({ level: 'silent' }) });
}

async function ask(path: string): Promise<unknown> {
  const dispatcher = new Agent({ connect: { socketPath: path } });
  try {
    const { body } = await request('http://gateway/name', { dispatcher });
    return await body.json();
  } catch {
    return null;
  } finally {
    await dispatcher.close();
  }
}

test('when the gateway that has the operators\u2019 socket ends, another one of the folder takes it over', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'admin-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  const path = join(folder, 'admin.sock');
  const closeFirst = await openSocket(path, 'first');
  const closeSecond = await openSocket(path, 'second');
  expect(await ask(path)).toEqual({ name: 'first' });
  await closeFirst();
  await until(async () => (await ask(path)) !== null);
  expect(await ask(path)).toEqual({ name: 'second' });
  await closeSecond();
  expect(await ask(path)).toBeNull();
});
