// Reads pages of rows of one file and prints, for each, what of the file was sent upstream, its time in ratio to downloading the whole
// file from the sandbox directly, and how far the gateway's memory grew. Machines are noisy: compare within one run.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { crc32, deflateRawSync } from 'node:zlib';

const CSV_BYTES = Number(process.argv[2] ?? 200_000_000);
const ZIP_ROWS = 70_000;
const PAGE = 20;
const PAGES = [1, 10, 1_000];
const ROUNDS = 3;
const KEY = 'sk_test_bench';

const folder = mkdtempSync(join(tmpdir(), 'bench-rows-'));
const children = [];

async function start(file, env, pattern) {
  const { PATH, HOME } = process.env;
  const child = spawn(process.execPath, [file], {
    env: { PATH, HOME, ...env },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  children.push(child);
  const address = await new Promise((resolve, reject) => {
    let output = '';
    child.stdout.on('data', (text) => {
      output += text;
      const found = pattern.exec(output);
      if (found !== null) resolve(found[1]);
    });
    child.once('exit', () => reject(new Error(`${file} ended:\n${output}`)));
  });
  return { address, pid: child.pid };
}

async function send(url, body) {
  const method = body === undefined ? 'GET' : 'POST';
  const headers = { 'content-type': 'application/json' };
  const answer = await fetch(url, { method, headers, body: JSON.stringify(body) });
  const given = await answer.json();
  if (!answer.ok || given.errors) throw new Error(`${url} answered ${JSON.stringify(given).slice(0, 500)}`);
  return given;
}

/** A ZIP of a CSV file whose amounts do not repeat. */
function zipped() {
  let state = 1;
  const random = () => {
    state = (state * 48_271) % 2_147_483_647;
    return state;
  };
  const rows = Array.from(
    { length: ZIP_ROWS },
    (_, at) =>
      `txn_${String(at).padStart(16, '0')},"Payment, paid in full",${random()}.${random() % 100},usd\n`,
  );
  const content = Buffer.from(`id,description,amount,currency\n${rows.join('')}`);
  const packed = deflateRawSync(content);
  const name = Buffer.from('report.csv');
  const head = Buffer.alloc(30);
  head.writeUInt32LE(0x04034b50, 0);
  head.writeUInt16LE(20, 4);
  head.writeUInt16LE(8, 8);
  head.writeUInt32LE(crc32(content), 14);
  head.writeUInt32LE(packed.length, 18);
  head.writeUInt32LE(content.length, 22);
  head.writeUInt16LE(name.length, 26);
  const directory = Buffer.alloc(46);
  directory.writeUInt32LE(0x02014b50);
  return Buffer.concat([head, name, packed, directory]);
}

const sandbox = await start('dist/sandbox/main.js', { SANDBOX_PORT: '0' }, /endpoints at (http:\S+)/);
const control = (path, body) => send(`${sandbox.address}/_sandbox/${path}`, body);
const gateway = await start(
  'dist/main.js',
  {
    PORT: '0',
    STRIPE_API_BASE: sandbox.address,
    STRIPE_API_KEY: KEY,
    AUTH_ANONYMOUS: '1',
    DATABASE_URL: `file:${join(folder, 'ledger.db')}`,
  },
  /(http:\S+\/graphql)/,
);

async function runWith(api, file) {
  const { ids } = await control('runs', { account: 'acct_bench', api, count: 1 });
  const { size } = await control(`runs/${ids[0]}/file`, file);
  return { id: ids[0], size };
}

/** The gateway's resident memory in bytes, the highest since `reset`. */
const memory = () =>
  Number(/VmHWM:\s+(\d+)/.exec(readFileSync(`/proc/${gateway.pid}/status`, 'utf8'))[1]) * 1024;

async function rowsOf(id, first, after) {
  const began = performance.now();
  const { data } = await send(gateway.address, {
    query: `query ($id: ID!, $first: Int, $after: String) { reportRun(id: $id) { result { file {
      rows(first: $first, after: $after) { nodes { cells } pageInfo { endCursor } } } } } }`,
    variables: { id, first, after },
  });
  const { nodes, pageInfo } = data.reportRun.result.file.rows;
  if (nodes.length !== first) throw new Error(`${nodes.length} rows came instead of ${first}`);
  return { ms: performance.now() - began, endCursor: pageInfo.endCursor };
}

/** The cursor before a page, got with large pages. */
async function cursorBefore(id, page) {
  let after = null;
  for (let left = (page - 1) * PAGE; left > 0; ) {
    const first = Math.min(left, 1_000);
    after = (await rowsOf(id, first, after)).endCursor;
    left -= first;
  }
  return after;
}

/** What of files was handed to the network since request `seq`, once its connection is gone. */
async function sentSince(seq) {
  await new Promise((resolve) => setTimeout(resolve, 200));
  const { requests } = await control('requests');
  const files = requests.filter((request) => request.seq > seq && /^\/(v1\/files|blob)\//.test(request.path));
  return { calls: files.length, bytes: files.reduce((sum, { bytesSent }) => sum + bytesSent, 0) };
}

async function downloadMs({ id, size: whole }, api) {
  const run = await fetch(`${sandbox.address}/${api.toLowerCase()}/reporting/report_runs/${id}`, {
    headers: { authorization: `Bearer ${KEY}`, 'stripe-version': '2026-04-22.dahlia' },
  });
  const { result } = await run.json();
  const began = performance.now();
  const file =
    api === 'V1'
      ? await fetch(result.url, { headers: { authorization: `Bearer ${KEY}` } })
      : await fetch(result.file.download_url.url);
  let bytes = 0;
  for await (const chunk of file.body) bytes += chunk.length;
  if (bytes !== whole) throw new Error(`${bytes} bytes came of a file of ${whole}`);
  return performance.now() - began;
}

const median = (values) => values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)];
const print = (line) => process.stdout.write(`${line}\n`);
const size = (bytes) =>
  bytes < 10_000
    ? `${bytes} B`
    : bytes < 1e6
      ? `${(bytes / 1e3).toFixed(0)} kB`
      : `${(bytes / 1e6).toFixed(1)} MB`;

async function measure(name, api, file) {
  const run = await runWith(api, file);
  const whole = median([await downloadMs(run, api), await downloadMs(run, api), await downloadMs(run, api)]);
  print(`${name}, ${size(run.size)}; downloaded directly in ${whole.toFixed(0)} ms`);
  for (const page of PAGES) {
    const after = await cursorBefore(run.id, page);
    const times = [];
    const sent = [];
    for (let round = 0; round < ROUNDS; round += 1) {
      const { requests } = await control('requests');
      const { ms } = await rowsOf(run.id, PAGE, after);
      times.push(ms);
      sent.push(await sentSince(Math.max(...requests.map(({ seq }) => seq))));
    }
    const { calls, bytes } = sent.toSorted((a, b) => a.bytes - b.bytes)[Math.floor(ROUNDS / 2)];
    const ms = median(times);
    print(
      `  page ${String(page).padStart(5)} of ${PAGE} rows: ${size(bytes).padStart(8)} upstream in ${calls} ${calls === 1 ? 'call' : 'calls'}, ${ms.toFixed(0)} ms, ${(ms / whole).toFixed(3)} of the download`,
    );
  }
}

try {
  await control('settings', { limits: false });
  const before = memory();
  await measure('CSV, Range', 'V1', { bytes: CSV_BYTES });
  await control('settings', { ranges: false });
  await measure('CSV, Range ignored', 'V1', { bytes: CSV_BYTES });
  await control('settings', { ranges: true });
  await measure('ZIP', 'V2', { base64: zipped().toString('base64'), contentType: 'zip' });
  print(`memory: ${size(memory() - before)} above the ${size(before)} of a gateway that has just started`);
} finally {
  for (const child of children) child.kill('SIGTERM');
  await Promise.all(children.map((child) => child.exitCode ?? once(child, 'exit')));
  rmSync(folder, { recursive: true, force: true });
}
