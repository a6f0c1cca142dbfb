/** The bytes of a file, made while they are sent, so that a large one needs no memory. */
export interface Content {
  readonly size: number;
  /** From `start` to before `end`, in pieces of any length. */
  pieces(start: number, end: number): Iterable<Buffer>;
}

/** What is in memory anyway. */
export function inMemory(bytes: Buffer): Content {
  return {
    size: bytes.length,
    *pieces(start, end) {
      if (start < end) yield bytes.subarray(start, end);
    },
  };
}

const HEADER = 'id,description,amount,currency\n';
const ROW = 'txn_0000000000000001,"Payment for order 4242, paid in full",1234.50,usd\n';
/** As many rows as make a piece that is worth a call; all pieces are the same memory. */
const ROWS = Buffer.from(ROW.repeat(4_096));

/** CSV of exactly so many bytes: a header, and one row again and again; the first is long enough to make up the rest. */
export function csvOf(size: number): Content {
  const spare = size - HEADER.length - ROW.length;
  if (spare < 0) return inMemory(Buffer.from(HEADER.padEnd(size, 'x').slice(0, size)));
  const first = ROW.replace('full', `full${'.'.repeat(spare % ROW.length)}`);
  const head = Buffer.from(HEADER + first);
  return {
    size,
    *pieces(start, end) {
      let at = start;
      while (at < end) {
        const inRows = at - head.length;
        const piece = inRows < 0 ? head.subarray(at) : ROWS.subarray(inRows % ROWS.length);
        yield piece.subarray(0, end - at);
        at += piece.length;
      }
    },
  };
}
