import { unreadable } from './unreadable.js';

const UTF8 = [0xef, 0xbb, 0xbf];

/** The bytes without UTF-8's mark at their beginning; `mark.length` then says how many it has left out. UTF-16 is refused by its mark. */
export async function* withoutMark(
  bytes: AsyncIterable<Uint8Array>,
  mark: { length: number },
): AsyncGenerator<Uint8Array> {
  let head: Uint8Array | null = new Uint8Array(0);
  for await (const chunk of bytes) {
    if (head === null) {
      yield chunk;
      continue;
    }
    head = Buffer.concat([head, chunk]);
    if (head.length < UTF8.length) continue;
    yield withoutOwn(head, mark);
    head = null;
  }
  if (head !== null && head.length > 0) yield withoutOwn(head, mark);
}

function withoutOwn(head: Uint8Array, mark: { length: number }): Uint8Array {
  const [first, second] = head;
  if ((first === 0xff && second === 0xfe) || (first === 0xfe && second === 0xff)) {
    throw unreadable('The file is written in UTF-16; rows are read of UTF-8 only.');
  }
  mark.length = UTF8.every((byte, at) => head[at] === byte) ? UTF8.length : 0;
  return head.subarray(mark.length);
}
