import type { IncomingHttpHeaders } from 'node:http';

/** Bytes of a file, counted from 0, both included. */
export interface ByteRange {
  readonly start: number;
  readonly end: number;
}

/**
 * What of a file of `size` bytes a request wants (RFC 9110, 14.2). Several parts at once, other units, and `If-Range` with
 * another tag than the file's get the whole. `none`: there is no such part, or what was asked for is no part.
 */
export function wantedRange(
  headers: IncomingHttpHeaders,
  size: number,
  etag: string,
): ByteRange | 'whole' | 'none' {
  const { range, 'if-range': ifRange } = headers;
  const [, set = null] = /^\s*bytes\s*=(.*)$/i.exec(range ?? '') ?? [];
  if (set === null || set.includes(',')) return 'whole';
  if (ifRange !== undefined && ifRange !== etag) return 'whole';
  const [, first = '', last = ''] = /^\s*(\d*)-(\d*)\s*$/.exec(set) ?? [];
  if (first === '' && last === '') return 'none';
  const start = first === '' ? Math.max(0, size - Number(last)) : Number(first);
  const end = first === '' || last === '' ? size - 1 : Math.min(Number(last), size - 1);
  return start <= end ? { start, end } : 'none';
}
