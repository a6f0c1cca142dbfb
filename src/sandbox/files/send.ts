import { header } from '../http.js';
import type { Answer, Call } from '../http.js';
import { fileTypeOf } from '../run.js';
import type { Run } from '../run.js';
import type { World } from '../world.js';
import { contentsOf } from './contents.js';

/** A run's file, or the part of it that `Range` asks for. Several parts, and what is no range, are answered with the whole. */
export function sendFile(world: World, call: Call, run: Run): Answer {
  const type = fileTypeOf(run);
  const content = contentsOf(run);
  const { size } = content;
  const headers = {
    'content-type': type === 'zip' ? 'application/zip' : 'text/csv',
    'content-disposition': `attachment; filename="${run.id}.${type}"`,
  };
  if (!world.settings.ranges) return { status: 200, headers, body: content };
  const wanted = rangeOf(header(call, 'range'), size);
  const accepting = { ...headers, 'accept-ranges': 'bytes' };
  if (wanted === 'all') return { status: 200, headers: accepting, body: content };
  if (wanted === 'none') {
    return { status: 416, headers: { 'content-range': `bytes */${size}` }, body: Buffer.alloc(0) };
  }
  const { start, end } = wanted;
  return {
    status: 206,
    headers: { ...accepting, 'content-range': `bytes ${start}-${end - 1}/${size}` },
    body: { size: end - start, pieces: (from, to) => content.pieces(start + from, start + to) },
  };
}

/** `end` is not included. */
function rangeOf(text: string | null, size: number): { start: number; end: number } | 'all' | 'none' {
  const [, from = '', to = ''] = /^bytes=(\d*)-(\d*)$/.exec(text ?? '') ?? [];
  if (from === '' && to === '') return 'all';
  if (from === '') return to === '0' ? 'none' : { start: Math.max(0, size - Number(to)), end: size };
  if (to !== '' && Number(to) < Number(from)) return 'all';
  if (Number(from) >= size) return 'none';
  return { start: Number(from), end: to === '' ? size : Math.min(size, Number(to) + 1) };
}
