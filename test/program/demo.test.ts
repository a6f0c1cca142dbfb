import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { parse } from 'csv-parse/sync';
import { expect, test } from 'vitest';
import { startProgram } from '../support/process.js';

test('the demonstration follows a run of each API to its end, shows its first rows and saves both files', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'demo-'));
  try {
    const demo = startProgram(resolve('dist/demo/main.js'), {}, folder);
    expect(await demo.ended()).toBe(0);
    for (const api of ['V1', 'V2']) {
      expect(demo.output()).toMatch(new RegExp(`${api} +RUNNING`));
      expect(demo.output()).toMatch(new RegExp(`${api} +SUCCEEDED`));
    }
    const saved = [...demo.output().matchAll(/([\d,]+) bytes saved to (reports\/\S+\.csv)/g)];
    expect(await readdir(join(folder, 'reports'))).toHaveLength(2);
    expect(saved).toHaveLength(2);
    for (const [, count = '', path = ''] of saved) {
      const bytes = await readFile(join(folder, path));
      expect(count.replace(',', '')).toBe(String(bytes.length));
      const [header = [], first] = parse(bytes);
      expect(demo.output()).toMatch(new RegExp(` {6}${header.join(' +')}\n`));
      expect(demo.output()).toContain(first === undefined ? 'no rows' : 'first ');
    }
    // Piped, it has neither bars nor colours.
    for (const sign of ['\u001b', '█']) expect(demo.output()).not.toContain(sign);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}, 60_000);
