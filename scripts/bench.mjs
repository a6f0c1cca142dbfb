// Starts the gateway with its sandbox a few times and prints how long it takes until it listens, in ratio to starting Node with nothing
// to do, and its resident memory when idle. Machines are noisy: compare within one run.
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';

const ROUNDS = 5;
const IDLE_MS = 10_000;

function median(values) {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)];
}

function bareNode() {
  const began = performance.now();
  spawnSync(process.execPath, ['-e', '0']);
  return performance.now() - began;
}

async function startGateway(idleMs) {
  const { PATH, HOME } = process.env;
  const began = performance.now();
  const child = spawn(process.execPath, ['dist/main.js'], {
    env: { PATH, HOME, PORT: '0' },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  await new Promise((resolve) => {
    child.stdout.on('data', (text) => /\/graphql/.test(text) && resolve());
  });
  const ms = performance.now() - began;
  await new Promise((resolve) => setTimeout(resolve, idleMs));
  const pages = Number(readFileSync(`/proc/${child.pid}/statm`, 'utf8').split(' ')[1]);
  child.kill('SIGTERM');
  await once(child, 'exit');
  return { ms, megabytes: (pages * 4096) / 1e6 };
}

const bare = [];
const starts = [];
for (let round = 0; round < ROUNDS; round += 1) {
  bare.push(bareNode());
  starts.push((await startGateway(0)).ms);
}
const { megabytes } = await startGateway(IDLE_MS);
process.stdout.write(
  `start-up: ${median(starts).toFixed(0)} ms until it listens, ${(median(starts) / median(bare)).toFixed(1)} times bare Node (${median(bare).toFixed(0)} ms)\n` +
    `memory: ${megabytes.toFixed(0)} MB resident after ${IDLE_MS / 1000} s idle, sandbox included, GraphiQL not opened\n`,
);
