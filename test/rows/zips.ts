import { crc32, deflateRawSync } from 'node:zlib';

/** How an archive's writer went about one file. */
export interface Zipped {
  readonly name?: string;
  readonly content: string | Buffer;
  /** 8 deflates; 0 stores. */
  readonly method?: number;
  /** zlib's level; 0 leaves the bytes legible within the deflate stream. */
  readonly level?: number;
  /** Tells checksum and sizes behind the contents, as who writes to a stream has to. */
  readonly descriptor?: 'signed' | 'bare' | 'wide';
  readonly zip64?: boolean;
  readonly flags?: number;
  readonly checksum?: number;
}

/** A ZIP of these files. Of its directory only the signature is whole: who reads forward needs no more. */
export function zipOf(...files: readonly Zipped[]): Buffer {
  const directory = Buffer.alloc(46);
  directory.writeUInt32LE(files.length === 0 ? 0x06054b50 : 0x02014b50);
  return Buffer.concat([...files.map(entry), directory]);
}

function entry(file: Zipped): Buffer {
  const { name = 'report.csv', method = 8, level = 6, descriptor, zip64 = false, flags = 0 } = file;
  const content = Buffer.from(file.content);
  const packed = method === 8 ? deflateRawSync(content, { level }) : content;
  const checksum = file.checksum ?? crc32(content);
  const sizes = [packed.length, content.length];
  const extra = zip64 ? zip64Field(descriptor === undefined ? content.length : 0) : Buffer.alloc(0);
  const head = Buffer.alloc(30);
  head.writeUInt32LE(0x04034b50, 0);
  head.writeUInt16LE(20, 4);
  head.writeUInt16LE(flags | (descriptor === undefined ? 0 : 8), 6);
  head.writeUInt16LE(method, 8);
  if (descriptor === undefined) {
    head.writeUInt32LE(checksum, 14);
    sizes.forEach((size, at) => {
      head.writeUInt32LE(zip64 ? 0xffffffff : size, 18 + at * 4);
    });
  }
  head.writeUInt16LE(Buffer.byteLength(name), 26);
  head.writeUInt16LE(extra.length, 28);
  return Buffer.concat([head, Buffer.from(name), extra, packed, described(descriptor, checksum, sizes)]);
}

function zip64Field(size: number): Buffer {
  const other = Buffer.from([0x55, 0x54, 1, 0, 0]);
  const field = Buffer.alloc(20);
  field.writeUInt16LE(1, 0);
  field.writeUInt16LE(16, 2);
  field.writeBigUInt64LE(BigInt(size), 4);
  return Buffer.concat([other, field]);
}

function described(kind: Zipped['descriptor'], checksum: number, sizes: readonly number[]): Buffer {
  if (kind === undefined) return Buffer.alloc(0);
  const width = kind === 'wide' ? 8 : 4;
  const bytes = Buffer.alloc(8 + 2 * width);
  bytes.writeUInt32LE(0x08074b50, 0);
  bytes.writeUInt32LE(checksum, 4);
  sizes.forEach((size, at) => {
    bytes.writeUIntLE(size, 8 + at * width, 6 > width ? width : 6);
  });
  return kind === 'bare' ? bytes.subarray(4) : bytes;
}
