import { createWriteStream } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { join, relative } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { ReadableStream } from 'node:stream/web';
import { type Client, connect, type Run } from './client.js';
import { startGateway } from './gateway.js';
import { Screen } from './screen.js';

const DAY_MS = 86_400_000;
/** Where the files go; not under version control. */
const FOLDER = 'reports';

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
  say('\nWhat they came to:');
  await mkdir(FOLDER, { recursive: true });
  for (const run of ended) say(await describe(run));
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

async function describe(run: Run): Promise<string> {
  const file = run.result?.file ?? null;
  const title = `  ${run.api}  ${run.reportType.name ?? run.reportType.id}, ${run.id}`;
  if (run.failure !== null) return `${title}\n      failed: ${run.failure.message}`;
  if (file === null) return `${title}\n      ${run.status}, without a file`;
  const path = join(FOLDER, file.filename ?? `${run.id}.${file.contentType.toLowerCase()}`);
  const bytes = await save(file.downloadUrl.url, path);
  return `${title}\n      ${run.status} at ${run.finishedAt ?? 'an unknown time'}, ${file.size} bytes stated, ${bytes} bytes saved to ${relative('.', path)}`;
}

/** Downloads by the signed link, which needs no key and no header; gives the bytes written. */
async function save(url: string, path: string): Promise<number> {
  const answer = await fetch(url);
  if (!answer.ok || answer.body === null)
    throw new Error(`the file could not be fetched: ${await answer.text()}`);
  const file = createWriteStream(path);
  await pipeline(Readable.fromWeb(answer.body as ReadableStream), file);
  return file.bytesWritten;
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
