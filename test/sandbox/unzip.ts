import { crc32, inflateRawSync } from 'node:zlib';
import { expect } from 'vitest';

/** Reads a ZIP as unzip does, from its end: every offset and length in it must fit. */
export function unzip(bytes: Buffer): { name: string; content: Buffer } {
  const end = bytes.length - 22;
  expect(bytes.readUInt32LE(end)).toBe(0x06054b50);
  expect([bytes.readUInt16LE(end + 8), bytes.readUInt16LE(end + 10)]).toEqual([1, 1]);
  const central = bytes.readUInt32LE(end + 16);
  expect(central + bytes.readUInt32LE(end + 12)).toBe(end);
  expect(bytes.readUInt32LE(central)).toBe(0x02014b50);
  const nameLength = bytes.readUInt16LE(central + 28);
  expect(central + 46 + nameLength).toBe(end);
  const name = bytes.toString('utf8', central + 46, end);
  const local = bytes.readUInt32LE(central + 42);
  expect(bytes.readUInt32LE(local)).toBe(0x04034b50);
  expect(bytes.subarray(local + 4, local + 30)).toEqual(bytes.subarray(central + 6, central + 32));
  expect(bytes.toString('utf8', local + 30, local + 30 + nameLength)).toBe(name);
  const start = local + 30 + nameLength;
  expect(start + bytes.readUInt32LE(central + 20)).toBe(central);
  const content = inflateRawSync(bytes.subarray(start, central));
  expect(content).toHaveLength(bytes.readUInt32LE(central + 24));
  expect(crc32(content)).toBe(bytes.readUInt32LE(central + 16));
  return { name, content };
}
