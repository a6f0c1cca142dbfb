import { relative } from 'node:path';
import { type Client, connect, type Run } from './client.js';
import { startGateway } from './gateway.js';
import { save } from './download.js';
import { progressOn, Screen } from './screen.js';
import { countOf, tableOf } from './table.js';

const DAY_MS = 86_400_000;
/** Where the files go; not under version control. */
const FOLDER = 'reports';
/** How many rows of each file are shown. */
const ROWS = 5;

async function main(): Promise<void> {
  say('Starting a gateway on the embedded sandbox …');
  const gateway = await startGateway();
  const client = connect(gateway.url);
  try {
    say(`  ${gateway.url}, connected to ${gateway.connection}\n`);
    await demonstrate(client);
  } finally {
    await client.close();
    await gateway.close();
  }
}

async function demonstrate(client: Client): Promise<void> {
  const [start, end] = lastWeek();
  say(
    `Starting a run of each API for ${start.slice(0, 10)} to ${end.slice(0, 10)} and following both over one WebSocket:`,
  );
  const runs = await Promise.all([
    client.create({
      v1: { reportType: 'balance.summary.1', parameters: { intervalStart: start, intervalEnd: end } },
    }),
    client.create({
      v2: { report: 'report_test_balance_summary', parameters: { interval_start: start, interval_end: end } },
    }),
  ]);
  const ended = await followAll(client, runs);
  say('\nWhat they came to, with their first rows and the whole file:');
  for (const run of ended) await present(client, run);
}

async function followAll(client: Client, runs: readonly Run[]): Promise<readonly Run[]> {
  const screen = new Screen(process.stdout);
  const latest = new Map(runs.map((run) => [run.id, run]));
  const update = (run: Run): void => {
    latest.set(run.id, run);
    screen.update(run);
  };
  try {
    for (const run of runs) screen.update(run);
    await Promise.all(runs.map(({ id }) => client.follow(id, update)));
  } finally {
    screen.close();
  }
  return [...latest.values()];
}

/** Shows what came of a run, and saves its file. */
async function present(client: Client, run: Run): Promise<void> {
  say(`\n  ${run.api}  ${run.reportType.name ?? run.reportType.id}, ${run.id}`);
  const file = run.result?.file ?? null;
  if (run.failure !== null) return say(`      failed: ${run.failure.message}`);
  if (file === null) return say(`      ${run.status}, without a file`);
  say(`      ${run.status} at ${run.finishedAt ?? 'an unknown time'}`);
  const rows = await client.rows(run.id, ROWS);
  say(`      ${countOf(rows)}:\n\n${tableOf(rows)}\n`);
  const progress = progressOn(process.stdout);
  const { path, bytes } = await save(file.downloadUrl.url, FOLDER, progress.show);
  progress.end();
  say(`      ${bytes.toLocaleString('en')} bytes saved to ${relative('.', path)}`);
}

/** Seven whole days that every report type has data for. */
function lastWeek(): [start: string, end: string] {
  const today = Math.floor(Date.now() / DAY_MS) * DAY_MS;
  const at = (daysAgo: number): string => new Date(today - daysAgo * DAY_MS).toISOString();
  return [at(9), at(2)];
}

function say(text: string): void {
  process.stdout.write(`${text}\n`);
}

main().catch((error: unknown) => {
  process.stderr.write(`demo: ${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 1;
});
