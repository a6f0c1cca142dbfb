import { crc32, deflateRawSync } from 'node:zlib';

/** A ZIP archive of one deflated file. `modified` is unix ms; ZIP knows it to two seconds. */
export function zip(name: string, content: Buffer, modified: number): Buffer {
  const packed = deflateRawSync(content);
  const file = Buffer.from(name);
  // What the local header and the central directory both say, from "version needed" to the name's length.
  const common = Buffer.alloc(24);
  common.writeUInt16LE(20, 0);
  common.writeUInt16LE(0x0800, 2); // the name is UTF-8
  common.writeUInt16LE(8, 4); // deflate
  common.writeUInt16LE(dosTime(modified), 6);
  common.writeUInt16LE(dosDate(modified), 8);
  common.writeUInt32LE(crc32(content), 10);
  common.writeUInt32LE(packed.length, 14);
  common.writeUInt32LE(content.length, 18);
  common.writeUInt16LE(file.length, 22);
  const local = Buffer.concat([signature(0x04034b50), common, Buffer.alloc(2), file, packed]);
  const madeBy = Buffer.from([20, 0]);
  // No extra field, no comment, disk 0, no attributes, and the local header at the very beginning.
  const central = Buffer.concat([signature(0x02014b50), madeBy, common, Buffer.alloc(16), file]);
  const end = Buffer.alloc(18);
  end.writeUInt16LE(1, 4);
  end.writeUInt16LE(1, 6);
  end.writeUInt32LE(central.length, 8);
  end.writeUInt32LE(local.length, 12);
  return Buffer.concat([local, central, signature(0x06054b50), end]);
}

function signature(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32LE(value);
  return bytes;
}

function dosTime(at: number): number {
  const date = new Date(at);
  return (date.getUTCHours() << 11) | (date.getUTCMinutes() << 5) | (date.getUTCSeconds() >> 1);
}

function dosDate(at: number): number {
  const date = new Date(at);
  return ((date.getUTCFullYear() - 1980) << 9) | ((date.getUTCMonth() + 1) << 5) | date.getUTCDate();
}
