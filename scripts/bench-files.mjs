// Copies files from the sandbox directly and through the gateway, in turn, and prints how fast the second is in ratio to the first and how
// far the gateway's memory grew. Machines are noisy: compare within one run. Sizes in bytes can be given as arguments.
import { print } from './bench/output.mjs';
import {
  copyMs,
  fileAt,
  forgetPeak,
  median,
  memoryOf,
  runWith,
  send,
  sizeText,
  startBoth,
} from './bench/support.mjs';

const given = process.argv.slice(2).map(Number);
const SIZES = given.length > 0 ? given : [1e6, 100e6, 1e9, 5e9];
/** Small files are copied often enough to be seen at all. */
const roundsFor = (size) => (size >= 1e9 ? 3 : size >= 1e8 ? 7 : 30);
/** Long enough for the gateway's budget to have a token for the next file. */
const PAUSE_MS = 150;

const { sandbox, gateway, control, close } = await startBoth();

async function linkTo(id) {
  const query =
    'query ($id: ID!) { reportRun(id: $id) { result { file { size downloadUrl(expiresIn: 3600) { url } } } } }';
  const { data } = await send(gateway.address, { query, variables: { id } });
  const { size, downloadUrl } = data.reportRun.result.file;
  return { url: downloadUrl.url, size: Number(size), headers: {} };
}

async function measure(api, size) {
  const id = await runWith(control, api, { bytes: size });
  const link = await linkTo(id);
  await copyMs(link);
  forgetPeak(gateway.pid);
  const before = memoryOf(gateway.pid).now;
  const direct = [];
  const through = [];
  for (let round = 0; round < roundsFor(size); round += 1) {
    direct.push(await copyMs(await fileAt(sandbox, api, id)));
    await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
    through.push(await copyMs(link));
  }
  const speed = (ms) => `${(size / 1e3 / median(ms)).toFixed(0)} MB/s`.padStart(9);
  const ratio = (median(direct) / median(through)).toFixed(2);
  const grown = sizeText(Math.max(0, memoryOf(gateway.pid).peak - before));
  print(
    `${sizeText(size).padStart(9)} ${api}: directly ${speed(direct)}, through the gateway ${speed(through)}, ratio ${ratio}; memory +${grown}`,
  );
}

try {
  for (const size of SIZES) for (const api of ['V1', 'V2']) await measure(api, size);
} finally {
  await close();
}
