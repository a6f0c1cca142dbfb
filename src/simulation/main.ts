import { parseArgs } from 'node:util';
import { type Figures, type Load, simulate } from './scene.js';

/** Ten runs of each API on one account, ten subscribers each, and from there in one direction at a time. */
const BASE: Load = { accounts: 1, runs: 10, spread: 1, subscribers: 10, webhooks: false };
const LOADS: readonly (readonly [string, Partial<Load>])[] = [
  ['base', {}],
  ['base, webhooks', { webhooks: true }],
  ['10 × runs', { runs: 100 }],
  ['10 × runs, 1 in 10 running', { runs: 100, spread: 10 }],
  ['10 × runs, 1 in 100 running', { runs: 100, spread: 100 }],
  ['100 × runs', { runs: 1_000 }],
  ['100 × runs, webhooks', { runs: 1_000, webhooks: true }],
  ['10 × subscribers', { subscribers: 100 }],
  ['100 × subscribers', { subscribers: 1_000 }],
  ['10 × accounts', { accounts: 10 }],
  ['100 × accounts', { accounts: 100, subscribers: 1 }],
  ['1,000 × runs', { runs: 10_000, subscribers: 1 }],
  ['1,000 × subscribers', { subscribers: 10_000 }],
  ['1,000 × accounts', { accounts: 1_000, subscribers: 1 }],
];
/** Those after this one take minutes each. */
const QUICK = 11;

const USAGE = `npm run simulate [-- --all] [-- --seed <number>]

Plays the gateway's own watch code on virtual time, against the sandbox's answers without its sockets, and prints what it costs.
--all adds the loads of 1,000 × (some minutes each); the same --seed (1) gives the same figures.
`;

const { values } = parseArgs({
  options: { all: { type: 'boolean' }, seed: { type: 'string', default: '1' }, help: { type: 'boolean' } },
});
if (values.help === true) {
  process.stdout.write(USAGE);
} else if (!/^\d{1,9}$/.test(values.seed)) {
  process.stderr.write(`--seed must be a whole number, got ${JSON.stringify(values.seed)}\n\n${USAGE}`);
  process.exitCode = 1;
} else {
  await printAll(values.all === true ? LOADS : LOADS.slice(0, QUICK), Number(values.seed));
}

async function printAll(loads: typeof LOADS, seed: number): Promise<void> {
  const head = ['load', 'reads/s', 'most', 'creates/s', 'delay p50', 'p99', 'writes/s', 'ends told'];
  print(head);
  print(head.map(() => '---'));
  for (const [name, difference] of loads) {
    const figures = await simulate({ ...BASE, ...difference }, seed, (part) => progress(name, part));
    progress(name, null);
    print([name, ...cells(figures)]);
  }
}

function cells({ reads, mostReads, creates, delays, writes }: Figures): string[] {
  const at = (part: number): string => {
    const delay = delays[Math.min(delays.length - 1, Math.floor(delays.length * part))];
    return delay === undefined ? '–' : `${(delay / 1_000).toFixed(1)} s`;
  };
  const counts = [reads.toFixed(2), String(mostReads), creates.toFixed(2)];
  return [...counts, at(0.5), at(0.99), writes.toFixed(1), String(delays.length)];
}

/** A row of a Markdown table, as the documents have it. */
function print(row: readonly string[]): void {
  process.stdout.write(`| ${row.join(' | ')} |\n`);
}

/** One line that is drawn over; null takes it away. */
function progress(name: string, part: number | null): void {
  if (!process.stderr.isTTY) return;
  const bar = part === null ? '' : `${'█'.repeat(Math.round(part * 30)).padEnd(30, '·')} ${name}`;
  process.stderr.write(`\r\u001b[2K${bar}`);
}
