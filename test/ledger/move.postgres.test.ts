import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import type { Engine } from '../../src/ledger/engine.js';
import { openEngine } from '../../src/ledger/open-engine.js';
import { openSqlite } from '../../src/ledger/sqlite.js';
import { testPostgresUrl } from '../support/databases.js';
import { PASSWORD } from '../support/postgres-server.js';
import { seen, startChild, T0, tempEngine, tempFolder, testLedger } from './support.js';

interface Moved {
  readonly code: number | null;
  readonly output: string;
}

/** What `npm run ledger:move -- …` runs. */
function move(args: readonly string[], env: Readonly<Record<string, string>> = {}): Promise<Moved> {
  const child = spawn(process.execPath, ['dist/commands/move-ledger.js', ...args], {
    env: { PATH: process.env['PATH'], ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (text: string) => {
      output += text;
    });
  }
  return new Promise((resolve) => child.on('close', (code) => resolve({ code, output })));
}

/** A ledger of two accounts with something in every table that a gateway fills, closed. */
async function filledFile(): Promise<string> {
  const file = join(tempFolder(), 'ledger.db');
  const engine = openSqlite(file);
  const one = await testLedger({ engine });
  const two = await testLedger({ engine, account: 'acct_2:test' });
  const runs = Array.from({ length: 700 }, (_, i) =>
    seen(`frr_${i}`, i % 3 === 0 ? 'SUCCEEDED' : 'RUNNING', {
      created: T0 + i,
      text: `é ${i} \u{1F600}\0"'?`,
    }),
  );
  await one.runs.observe(runs);
  await two.runs.observe([seen('frr_1', 'FAILED'), seen('reprun_odd', 'paused')]);
  await one.runs.note('V2', [{ id: 'reprun_noted', createdAt: T0 }]);
  await one.intents.begin(
    'a key',
    { api: 'V1', reportType: 'balance.summary.1', parameters: {} },
    () => 'up',
  );
  await one.feeds.advance('V1', { complete: true, newest: T0 + 700 });
  await one.reportTypes.put('V1', [{ id: 'balance.summary.1', body: { name: 'Balance' } }], T0);
  await one.secret('files');
  await engine.close();
  return file;
}

/** All rows of a database, as text, in an order of their own. */
async function contents(engine: Engine, tables: readonly string[]): Promise<Record<string, unknown>> {
  const all: Record<string, unknown> = {};
  for (const table of tables) {
    const rows = await engine.query<Record<string, unknown>>(`select * from ${table}`);
    const columns = Object.keys(rows[0] ?? {}).sort();
    all[table] = rows.map((row) => JSON.stringify(columns.map((column) => [column, row[column]]))).sort();
  }
  return all;
}

async function tablesIn(file: string): Promise<string[]> {
  const engine = await openEngine(`file:${file}`);
  try {
    const tables = await engine.query<{ name: string }>(
      "select name from sqlite_schema where type = 'table'",
    );
    return tables.map(({ name }) => name).filter((name) => name !== 'migrations');
  } finally {
    await engine.close();
  }
}

test('every row of a file is in Postgres afterwards, the file is as it was, and nothing is moved twice', async () => {
  const file = await filledFile();
  const tables = await tablesIn(file);
  const before = await openEngine(`file:${file}`);
  const kept = await contents(before, tables);
  await before.close();
  const url = await testPostgresUrl();
  const { code, output } = await move([`file:${file}`], { DATABASE_URL: url });
  expect([code, output]).toEqual([0, expect.stringMatching(/runs +703\n/)]);
  expect(output).not.toContain(PASSWORD);

  const source = await tempEngine(`file:${file}`);
  const target = await tempEngine(url);
  expect(await contents(target, tables)).toEqual(kept);
  expect(await contents(source, tables)).toEqual(kept);
  expect(tables.length).toBeGreaterThan(8);
  const ledger = await testLedger({ engine: target });
  expect(await ledger.secret('files')).toEqual(await (await testLedger({ engine: source })).secret('files'));
  await ledger.runs.observe([seen('frr_1', 'SUCCEEDED')]);
  await source.close();

  const again = await move([`file:${file}`, url]);
  expect(again).toEqual({
    code: 1,
    output: expect.stringContaining('already knows the account acct_1:test'),
  });
  expect((await ledger.runs.get(['frr_1'])).get('frr_1')?.status).toBe('SUCCEEDED');
});

test('a file may be moved beside other accounts of the same upstream, and not beside another upstream', async () => {
  const file = await filledFile();
  const url = await testPostgresUrl();
  const other = await testLedger({ engine: await tempEngine(url), account: 'acct_3:test' });
  await other.runs.observe([seen('frr_1', 'RUNNING')]);
  expect(await move([`file:${file}`, url])).toMatchObject({ code: 0 });
  expect(await other.runs.count({}, 10)).toBe(1);

  const elsewhere = await testPostgresUrl();
  const upstream = 'https://api.other.test';
  await testLedger({ engine: await tempEngine(elsewhere), account: 'acct_3:test', upstream });
  const refused = await move([`file:${file}`, elsewhere]);
  expect(refused.code).toBe(1);
  expect(refused.output).toContain(upstream);
});

test('a file in use, a target that cannot be reached and versions that differ are refused, and nothing is moved', async () => {
  const file = await filledFile();
  const url = await testPostgresUrl();
  const gateway = startChild('hold', `file:${file}`);
  await gateway.until(1);
  const used = await move([`file:${file}`, url]);
  expect(used.output).toContain(`The first argument, file:${file}, cannot be moved.`);
  expect(used.output).toContain('in use');
  gateway.process.kill('SIGKILL');
  await gateway.ended;

  const away = new URL(url);
  away.port = '1';
  const lost = await move([`file:${file}`, away.href]);
  expect(lost.output).toContain('cannot be reached');

  const engine = openSqlite(file);
  await engine.query('insert into migrations (version, applied) select max(version) + 1, 0 from migrations');
  await engine.close();
  const newer = await move([`file:${file}`, url]);
  expect(newer.output).toMatch(/The source is at version \d+ and this gateway at version \d+/);

  for (const { code, output } of [used, lost, newer]) {
    expect(code).toBe(1);
    expect(output).not.toContain(PASSWORD);
  }
  const target = await tempEngine(url);
  expect(await (await testLedger({ engine: target })).runs.count({}, 10)).toBe(0);
});

test('arguments that make no sense are named, and the password in them is not', async () => {
  const file = join(tempFolder(), 'ledger.db');
  const target = `postgres://somebody:${PASSWORD}@127.0.0.1/there`;
  const cases: readonly (readonly [readonly string[], RegExp])[] = [
    [[], /npm run ledger:move -- file:/],
    [[file, target, 'more'], /npm run ledger:move -- file:/],
    [[target, `file:${file}`], /The first argument must be the source.*postgres:\/\/…@127\.0\.0\.1\/there/],
    [[`file:${file}`, target], /The first argument, file:.*names a file that is not there/],
    [['file:package.json', 'mysql://x'], /The second argument, or DATABASE_URL/],
    [
      ['file:package.json', target],
      /The first argument, file:package\.json, cannot be moved.*not a SQLite database/,
    ],
  ];
  for (const [args, expected] of cases) {
    const moved = await move(args);
    expect(moved.output).toMatch(expected);
    expect(moved.output).not.toContain(PASSWORD);
    expect(moved.code).toBe(1);
  }
});
