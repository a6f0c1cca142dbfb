// Reads pages of rows of one file and prints, for each, what of the file was sent upstream, its time in ratio to downloading the whole
// file from the sandbox directly, and how far the gateway's memory grew. Machines are noisy: compare within one run.
import { crc32, deflateRawSync } from 'node:zlib';
import { print } from './bench/output.mjs';
import { copyMs, fileAt, median, memoryOf, runWith, send, sizeText, startBoth } from './bench/support.mjs';

const CSV_BYTES = Number(process.argv[2] ?? 200_000_000);
const ZIP_ROWS = 70_000;
const PAGE = 20;
const PAGES = [1, 10, 1_000];
const ROUNDS = 3;
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

const { sandbox, gateway, control, close } = await startBoth();

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

async function measure(name, api, file) {
  const id = await runWith(control, api, file);
  const there = await fileAt(sandbox, api, id);
  const whole = median([await copyMs(there), await copyMs(there), await copyMs(there)]);
  print(`${name}, ${sizeText(there.size)}; downloaded directly in ${whole.toFixed(0)} ms`);
  for (const page of PAGES) {
    const after = await cursorBefore(id, page);
    const times = [];
    const sent = [];
    for (let round = 0; round < ROUNDS; round += 1) {
      const { requests } = await control('requests');
      const { ms } = await rowsOf(id, PAGE, after);
      times.push(ms);
      sent.push(await sentSince(Math.max(...requests.map(({ seq }) => seq))));
    }
    const { calls, bytes } = sent.toSorted((a, b) => a.bytes - b.bytes)[Math.floor(ROUNDS / 2)];
    const ms = median(times);
    print(
      `  page ${String(page).padStart(5)} of ${PAGE} rows: ${sizeText(bytes).padStart(8)} upstream in ${calls} ${calls === 1 ? 'call' : 'calls'}, ${ms.toFixed(0)} ms, ${(ms / whole).toFixed(3)} of the download`,
    );
  }
}

try {
  const before = memoryOf(gateway.pid).peak;
  await measure('CSV, Range', 'V1', { bytes: CSV_BYTES });
  await control('settings', { ranges: false });
  await measure('CSV, Range ignored', 'V1', { bytes: CSV_BYTES });
  await control('settings', { ranges: true });
  await measure('ZIP', 'V2', { base64: zipped().toString('base64'), contentType: 'zip' });
  const grown = memoryOf(gateway.pid).peak - before;
  print(`memory: ${sizeText(grown)} above the ${sizeText(before)} of a gateway that has just started`);
} finally {
  await close();
}
