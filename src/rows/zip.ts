import { crc32 } from 'node:zlib';
import { ByteInput } from './byte-input.js';
import { inflate } from './inflate.js';
import { unreadable } from './unreadable.js';
import { describeEntry, readDescriptor, type ZipEntry } from './zip-entry.js';

const ENTRY = 0x04034b50;
/** What can follow the last entry: the directory, with a signature of the archive before it, or its end where it is empty. */
const DIRECTORY = new Set([0x02014b50, 0x08064b50, 0x06064b50, 0x06054b50]);

/**
 * The one CSV file in a ZIP, read forward in the order of the bytes, which need not know how long it is before they tell. Other
 * files are passed over. At most `limit` bytes are unzipped. Throws ROWS_UNAVAILABLE where there is none, or a second one, or the
 * ZIP is damaged, encrypted or larger than that; and what `bytes` throws.
 */
export async function* unzipCsv(bytes: AsyncIterable<Uint8Array>, limit: number): AsyncGenerator<Buffer> {
  const input = new ByteInput(bytes);
  let left = limit;
  let found = 0;
  try {
    for (;;) {
      const signature = (await input.take(4))?.readUInt32LE(0);
      if (signature !== undefined && DIRECTORY.has(signature)) break;
      if (signature !== ENTRY) throw damaged();
      const entry = await describeEntry(input);
      if (entry === null) throw damaged();
      if (entry.isCsv && ++found > 1) throw unreadable('The ZIP holds several CSV files, where one is read.');
      for await (const chunk of contentsOf(entry, input)) {
        left -= chunk.length;
        if (left < 0) throw tooLong(limit);
        if (entry.isCsv) yield chunk;
      }
    }
    if (found === 0) throw unreadable('The ZIP holds no CSV file.');
  } finally {
    await input.close();
  }
}

/** An entry's contents, held against what the ZIP says of them. */
async function* contentsOf(entry: ZipEntry, input: ByteInput): AsyncGenerator<Buffer> {
  let size = 0;
  let checksum = 0;
  for await (const chunk of entry.isDeflated ? inflated(input) : stored(input, entry.size)) {
    size += chunk.length;
    checksum = crc32(chunk, checksum);
    yield chunk;
  }
  const told = entry.isDescribedLater ? await readDescriptor(input, entry, { size, checksum }) : entry;
  if (told === null || told.size !== size || told.checksum !== checksum) throw damaged();
}

async function* inflated(input: ByteInput): AsyncGenerator<Buffer> {
  try {
    yield* inflate(input);
  } catch (error) {
    // zlib's own errors have codes such as Z_DATA_ERROR.
    const isOwn = error instanceof Error && 'code' in error && String(error.code).startsWith('Z_');
    throw isOwn ? damaged() : error;
  }
}

async function* stored(input: ByteInput, size: number): AsyncGenerator<Buffer> {
  for (let left = size; left > 0; ) {
    const chunk = await input.read();
    if (chunk === null) throw damaged();
    if (chunk.length > left) input.unread(chunk.subarray(left));
    yield chunk.subarray(0, left);
    left -= Math.min(left, chunk.length);
  }
}

function damaged(): Error {
  return unreadable('The file is not a ZIP that can be read, or is damaged.');
}

function tooLong(limit: number): Error {
  return unreadable(
    `More than ${limit / 1_000_000} MB of the ZIP would have to be unzipped to read these rows. Download the file instead.`,
  );
}
