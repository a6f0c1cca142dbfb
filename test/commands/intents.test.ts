import { statSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { DECODER_VERSION, decodeRun } from '../../src/datasources/decode-run.js';
import { openLedger } from '../../src/ledger/ledger.js';
import { openSqlite } from '../../src/ledger/sqlite.js';
import type { CreateReportRunRequest } from '../../src/models/create-report-run.js';
import { created, v1Input, v2Input } from '../create/operations.js';
import { type GatewayProcess, Processes } from '../create/processes.js';
import type { TestSandbox } from '../support/sandbox.js';
import { type CommandResult, command } from './support.js';

const PARAMETERS = { interval_start: 1_704_067_200, interval_end: 1_706_745_600 };
const INSTANTS = { interval_start: '2024-01-01T00:00:00Z', interval_end: '2024-02-01T00:00:00Z' };
const V1: CreateReportRunRequest = { api: 'V1', reportType: 'balance.summary.1', parameters: PARAMETERS };
const V2: CreateReportRunRequest = {
  api: 'V2',
  report: 'report_test_balance_summary',
  parameters: INSTANTS,
  compressFile: null,
};
const REQUESTS: Readonly<Record<string, CreateReportRunRequest>> = {
  one: V1,
  "it's none": V1,
  two: V2,
};

const processes = new Processes();
let sandbox: TestSandbox;
let gateway: GatewayProcess;
let ledgerFile: string;
let socket: string;

beforeAll(async () => {
  sandbox = await processes.sandbox();
  const folder = await processes.folder();
  ledgerFile = join(folder, 'ledger.db');
  socket = join(folder, 'made', 'admin.sock');
  await fill(ledgerFile);
  gateway = await processes.gateway(sandbox.origin, ledgerFile, { ADMIN_SOCKET: socket });
});

afterAll(() => processes[Symbol.asyncDispose]());

/** Leaves creates that nobody can tell the outcome of, as a gateway that has stopped since might have. */
async function fill(file: string): Promise<void> {
  const engine = openSqlite(file);
  const { intents } = await openLedger({
    engine,
    account: 'acct_x:test',
    upstream: sandbox.origin,
    decode: decodeRun,
    decoderVersion: DECODER_VERSION,
    now: Date.now,
  });
  for (const [key, request] of Object.entries(REQUESTS)) {
    const begun = await intents.begin(key, request, () => `upstream ${key}`);
    if (begun.kind !== 'started') throw new Error(`expected a new intent, got ${begun.kind}`);
    await intents.giveUp(begun.intent, '2 runs could be the one that was asked for');
  }
  await engine.close();
}

function intents(...args: string[]): Promise<CommandResult> {
  return command('intents', args, { ADMIN_SOCKET: socket });
}

/** A run that somebody made without the gateway. */
async function foreignRun(run: object): Promise<string> {
  const { ids } = await sandbox.control<{ ids: string[] }>('POST', 'runs', {
    account: 'acct_x',
    count: 1,
    api: 'V1',
    type: 'balance.summary.1',
    parameters: PARAMETERS,
    ...run,
  });
  return ids[0] ?? '';
}

describe('npm run intents', () => {
  test('lists what is open as a table, with what to do about it', async () => {
    const { code, output } = await intents();
    expect(code).toBe(0);
    expect(output).toContain('acct_x:test: 3 creates need an operator, 0 are still being finished.');
    expect(output).toMatch(/^KEY +STATE +API +REPORT TYPE +AGE +ATTEMPT +DUE +LAST ERROR$/m);
    expect(output).toMatch(/^one +unknown +v1 +balance\.summary\.1 +\d+ s +0 +- +2 runs could be the one/m);
    expect(output).toMatch(/^two +unknown +v2 +report_test_balance_summary /m);
    expect(output).toContain('npm run intents -- settle <key> --run <id>');
  });

  test('refuses what cannot be the run, and says why', async () => {
    const owned = await created(gateway, v1Input('owner'));
    const other = await foreignRun({ type: 'payouts.summary.1' });
    const otherParameters = await foreignRun({ parameters: { ...PARAMETERS, interval_end: 1_706_745_601 } });
    const old = await foreignRun({ createdAt: Date.now() - 3_600_000 });
    const rows = [
      [['settle', 'nobody', '--none'], 'There is no create with the key "nobody".'],
      [['settle', 'owner', '--none'], `The create "owner" is settled: its run is ${owned.id}.`],
      [['settle', 'one', '--run', owned.id], `The run ${owned.id} belongs to another create, "owner".`],
      [['settle', 'one', '--run', 'ch_1'], 'A run has an id like frr_… or reprun_…, but "ch_1" is none.'],
      [
        ['settle', 'one', '--run', 'reprun_1'],
        'reprun_1 is a run of v2, but the create "one" asked for one of v1.',
      ],
      [['settle', 'one', '--run', 'frr_none'], 'Stripe knows no run frr_none.'],
      [
        ['settle', 'one', '--run', other],
        'it is a run of payouts.summary.1, and balance.summary.1 was asked for.',
      ],
      [
        ['settle', 'one', '--run', otherParameters],
        'its interval_end is 1706745601, and 1706745600 was asked for.',
      ],
      [['settle', 'one', '--run', old], 'before it was asked for.'],
      [['settle', 'one'], 'Say either --run <id> or --none.'],
      [['settle', 'one', '--run', old, '--none'], 'Say either --run <id> or --none.'],
      [['settle'], 'Usage: npm run intents'],
      [['forget', 'one'], 'Usage: npm run intents'],
    ] as const;
    for (const [args, sentence] of rows) {
      const { code, output } = await intents(...args);
      expect(output).toContain(sentence);
      expect(code).toBe(1);
    }
    expect((await intents()).output).toContain('3 creates need an operator');
  });

  test('settles with the run that was started, in both APIs: repeating the mutation gives it', async () => {
    const one = await foreignRun({});
    const two = await foreignRun({ api: 'V2', type: 'report_test_balance_summary', parameters: INSTANTS });
    expect(await intents('settle', 'one', '--run', one)).toEqual({
      code: 0,
      output: `The create "one" has its run, ${one}. Repeating the mutation with the key gives it.`,
    });
    expect((await intents('settle', 'two', '--run', two)).code).toBe(0);
    expect((await created(gateway, v1Input('one'))).id).toBe(one);
    expect((await created(gateway, v2Input('two'))).id).toBe(two);
  });

  test('settles with none: the key is free, and the mutation starts a run', async () => {
    const { code, output } = await intents('settle', "it's none", '--none');
    expect([code, output]).toEqual([0, expect.stringContaining('Its key is free')]);
    expect((await created(gateway, v1Input("it's none"))).id).toMatch(/^frr_/);
    expect((await intents()).output).toContain('0 creates need an operator, 0 are still being finished.');
  });
});

test('what was read of Stripe is shown by day', async () => {
  const { code, output } = await command('usage', [], { ADMIN_SOCKET: socket });
  expect(code).toBe(0);
  expect(output).toMatch(/^acct_x:test: \d+ reads in \d{4}-\d\d \(UTC\)\.$/m);
  expect(output).toMatch(/^\d{4}-\d\d-\d\d +\d+$/m);
});

describe('the socket', () => {
  test('is for the user of the gateway alone', () => {
    expect(statSync(socket).mode & 0o777).toBe(0o600);
    expect(statSync(join(socket, '..')).mode & 0o777).toBe(0o700);
  });

  test('stays with the gateway that has it, is taken over from one that was killed, and goes with it', async () => {
    const folder = await processes.folder();
    const other = join(folder, 'other.db');
    const second = await processes.gateway(sandbox.origin, other, {
      ADMIN_SOCKET: socket,
      STRIPE_API_KEY: 'sk_test_second',
      LOG_LEVEL: 'info',
    });
    await second.program.says(/operators’ commands go to the gateway that has the socket/);
    await second.program.end('SIGTERM');
    expect((await intents()).output).toContain('acct_x:test');

    await gateway.kill();
    expect((await intents()).output).toContain(`No gateway is running here: nothing answers at ${socket}.`);
    const third = await processes.gateway(sandbox.origin, other, {
      ADMIN_SOCKET: socket,
      STRIPE_API_KEY: 'sk_test_second',
    });
    expect((await intents()).output).toContain('acct_second:test');
    expect(await third.program.end('SIGTERM')).toBe(0);
    expect(() => statSync(socket)).toThrow('ENOENT');
  });

  test('that cannot be made is warned of and stops nothing', async () => {
    const folder = await processes.folder();
    const fourth = await processes.gateway(sandbox.origin, join(folder, 'ledger.db'), {
      ADMIN_SOCKET: join(ledgerFile, 'admin.sock'),
    });
    await fourth.program.says(/operators’ commands cannot reach this gateway/);
    expect((await created(fourth, v1Input(null))).id).toMatch(/^frr_/);
    await fourth.kill();
  });
});
