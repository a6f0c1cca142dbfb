import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { parse } from 'csv-parse/sync';
import { expect, test } from 'vitest';
import { startProgram } from '../support/process.js';

test('the demonstration follows a run of each API to its end and saves both files', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'demo-'));
  try {
    const demo = startProgram(resolve('dist/demo/main.js'), {}, folder);
    expect(await demo.ended()).toBe(0);
    for (const api of ['V1', 'V2']) {
      expect(demo.output()).toMatch(new RegExp(`${api} +RUNNING`));
      expect(demo.output()).toMatch(new RegExp(`${api} +SUCCEEDED`));
    }
    const stated = [...demo.output().matchAll(/(\d+) bytes stated, (\d+) bytes saved to (\S+)/g)];
    expect(await readdir(join(folder, 'reports'))).toHaveLength(2);
    expect(stated).toHaveLength(2);
    for (const [, said, saved, path = ''] of stated) {
      const bytes = await readFile(join(folder, path));
      expect([said, saved]).toEqual([String(bytes.length), String(bytes.length)]);
      expect(() => parse(bytes, { columns: true })).not.toThrow();
    }
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}, 60_000);
