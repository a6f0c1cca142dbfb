// A process of its own for the tests: what it has committed, and only that, it writes to stdout.
import { spawnSync } from 'node:child_process';
import { writeSync } from 'node:fs';
import { openLedger } from '../../dist/ledger/ledger.js';
import { openEngine } from '../../dist/ledger/open-engine.js';

const [mode, url] = process.argv.slice(2);
const say = (line) => writeSync(1, `${line}\n`);

const observed = (id, text = '') => ({
  run: {
    id,
    api: 'V1',
    status: 'RUNNING',
    createdAt: 1_750_000_000_000,
    finishedAt: null,
    reportTypeId: 'balance.summary.1',
  },
  body: {
    id,
    status: 'RUNNING',
    created: 1_750_000_000_000,
    type: 'balance.summary.1',
    finished: null,
    text,
  },
});

async function open() {
  const engine = await openEngine(url);
  const ledger = await openLedger({
    engine,
    account: 'acct_1:test',
    upstream: 'https://api.example.test',
    decode: (_api, body) => observed(body.id),
    decoderVersion: 1,
    now: Date.now,
  });
  return { engine, ledger };
}

/** Observes runs one by one until it is killed. */
async function observe() {
  const { ledger } = await open();
  for (let i = 0; ; i += 1) {
    const id = `frr_${process.pid}_${i}`;
    await ledger.runs.observe([observed(id)]);
    say(id);
    await new Promise(setImmediate);
  }
}

/** Observes pairs until a file cannot grow any more, says what came, then gets room and goes on. */
async function fill() {
  const { engine, ledger } = await open();
  const pair = (i) =>
    ledger.runs.observe([observed(`frr_a${i}`, 'x'.repeat(4000)), observed(`frr_b${i}`, 'y'.repeat(4000))]);
  let i = 0;
  try {
    for (; i < 10_000; i += 1) {
      await pair(i);
      say(`frr_a${i}`);
    }
  } catch (error) {
    say(`failed ${error.name} ${error.message}`);
  }
  const ids = [`frr_a${i - 1}`, `frr_b${i - 1}`, `frr_a${i}`, `frr_b${i}`];
  const half = await ledger.runs.get(ids);
  say(`kept ${ids.filter((id) => half.has(id)).join(' ')} of ${i}`);
  const room = spawnSync('sh', ['-c', 'prlimit --pid "$0" --fsize=unlimited:unlimited', String(process.pid)]);
  if (room.status !== 0) throw new Error(`prlimit failed: ${String(room.error ?? room.stderr)}`);
  await pair(i);
  say('went on');
  await engine.close();
}

/** Opens the ledger and holds it. */
async function hold() {
  try {
    await open();
  } catch (error) {
    say(`refused: ${error.message}`);
    process.exit(3);
  }
  say('open');
  setInterval(() => {}, 60_000);
}

/** Says what time the database has, in a process whose own clock is an hour slow, and then jumps to an hour fast. */
async function clock() {
  const now = Date.now;
  Date.now = () => now() - 3_600_000;
  const engine = await openEngine(url);
  say(String(engine.now()));
  Date.now = () => now() + 3_600_000;
  say(String(engine.now()));
  await engine.close();
}

await { observe, fill, hold, clock }[mode]();
