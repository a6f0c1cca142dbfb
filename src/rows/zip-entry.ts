import type { ByteInput } from './byte-input.js';
import { unreadable } from './unreadable.js';

/** A file in a ZIP, as the header before it tells. */
export interface ZipEntry {
  readonly isCsv: boolean;
  readonly isDeflated: boolean;
  /** Whether the two below are not told before the contents but behind them. */
  readonly isDescribedLater: boolean;
  /** Bytes when unzipped. */
  readonly size: number;
  /** CRC-32. */
  readonly checksum: number;
  /** Whether there is a field for sizes of 8 bytes. */
  readonly isZip64: boolean;
}

const ENCRYPTED = 1;
const DESCRIBED_LATER = 1 << 3;
const STORED = 0;
const DEFLATED = 8;
/** Stands where a size does not fit: it is in the ZIP64 field then. */
const TOO_LARGE = 0xffffffff;
const ZIP64 = 1;
const DESCRIPTOR = 0x08074b50;

/**
 * Reads the header of an entry behind its signature (PKWARE's APPNOTE, 4.3.7). Null where the bytes end within it. Throws
 * ROWS_UNAVAILABLE where the entry cannot be unzipped.
 */
export async function describeEntry(input: ByteInput): Promise<ZipEntry | null> {
  const head = await input.take(26);
  const name = (await input.take(head?.readUInt16LE(22) ?? 0))?.toString('utf8');
  const extra = await input.take(head?.readUInt16LE(24) ?? 0);
  if (head === null || name === undefined || extra === null) return null;
  const flags = head.readUInt16LE(2);
  const method = head.readUInt16LE(4);
  const isDescribedLater = (flags & DESCRIBED_LATER) !== 0;
  if ((flags & ENCRYPTED) !== 0) throw unreadable('The ZIP is encrypted.');
  if (method !== DEFLATED && (method !== STORED || isDescribedLater)) {
    throw unreadable(`The ZIP is compressed by method ${method}, which cannot be read as it comes.`);
  }
  const zip64 = zip64Field(extra);
  const size = head.readUInt32LE(18);
  return {
    isCsv: /(?:^|\/)[^/.][^/]*\.csv$/i.test(name),
    isDeflated: method === DEFLATED,
    isDescribedLater,
    // Of both sizes, the unzipped one comes first.
    size: size === TOO_LARGE && zip64 !== null && zip64.length >= 8 ? Number(zip64.readBigUInt64LE(0)) : size,
    checksum: head.readUInt32LE(10),
    isZip64: zip64 !== null,
  };
}

function zip64Field(extra: Buffer): Buffer | null {
  for (let at = 0; at + 4 <= extra.length; ) {
    const end = at + 4 + extra.readUInt16LE(at + 2);
    if (extra.readUInt16LE(at) === ZIP64) return extra.subarray(at + 4, end);
    at = end;
  }
  return null;
}

/**
 * What stands behind contents that were not described before them (4.3.9): the checksum and both sizes, of 4 bytes or 8, mostly
 * behind a signature. Which of these it is shows by what was unzipped; null where none of them fits.
 */
export async function readDescriptor(
  input: ByteInput,
  { isZip64 }: Pick<ZipEntry, 'isZip64'>,
  unzipped: { readonly size: number; readonly checksum: number },
): Promise<{ readonly size: number; readonly checksum: number } | null> {
  let head = await input.take(4);
  if (head?.readUInt32LE(0) === DESCRIPTOR && unzipped.checksum !== DESCRIPTOR) head = await input.take(4);
  const sizes = await input.take(8);
  if (head === null || sizes === null || head.readUInt32LE(0) !== unzipped.checksum) return null;
  // An empty file's sizes say nothing of their width.
  if (sizes.readUInt32LE(4) === unzipped.size && !(isZip64 && unzipped.size === 0)) return unzipped;
  const wide = await input.take(8);
  return wide !== null && Number(wide.readBigUInt64LE(0)) === unzipped.size ? unzipped : null;
}
