import type { Readable } from 'node:stream';
import type { ReportFile } from '../models/report-run.js';
import type { CsvPageRequest } from './csv-page.js';
import { unreadable } from './unreadable.js';
import { unzipCsv } from './zip.js';

/** Opens a part of a file; `end` is its last byte, and included. */
export type OpenPart = (range: {
  readonly start: number;
  readonly end?: number;
}) => Promise<{ stream(): Readable }>;

/** What is unzipped of one file for one reading, in bytes. */
const MAX_UNZIPPED = 256_000_000;
/** What is asked for besides the rows themselves, and what a row is taken to be before any has been seen, in bytes. */
const SPARE = 16_000;
const ROW = 500;
/** How much more is asked for each time when that was not enough. */
const GROWTH = 8;

/**
 * A file's CSV from where a page begins. Of a CSV file little more is asked for than the page will take, because what is on its
 * way when the page is full has come for nothing; a ZIP is always read from its beginning.
 */
export async function* openCsv(
  { contentType, size }: ReportFile,
  open: OpenPart,
  request: Pick<CsvPageRequest, 'place' | 'rows'>,
): AsyncGenerator<Uint8Array> {
  const { offset } = request.place;
  switch (contentType) {
    case 'CSV': {
      let start = offset;
      for (let length = lengthOf(request); start < size; length *= GROWTH) {
        const end = start + length < size ? start + length - 1 : undefined;
        yield* (await open({ start, ...(end === undefined ? {} : { end }) })).stream();
        start += length;
      }
      return;
    }
    case 'ZIP':
      yield* from(unzipCsv((await open({ start: 0 })).stream(), MAX_UNZIPPED), offset);
      return;
    case 'OTHER':
      throw unreadable(
        'The file is neither CSV nor a ZIP of it, so it has no rows. It can still be downloaded.',
      );
    default:
      contentType satisfies never;
  }
}

/** The bytes a page will most likely take, by the rows before it. */
function lengthOf({ place, rows }: Pick<CsvPageRequest, 'place' | 'rows'>): number {
  if (rows === 'count') return Number.POSITIVE_INFINITY;
  const row = place.row === 0 ? ROW : (place.offset / place.row) * 2;
  return Math.ceil(SPARE + rows * row);
}

async function* from(bytes: AsyncIterable<Uint8Array>, offset: number): AsyncGenerator<Uint8Array> {
  let left = offset;
  for await (const chunk of bytes) {
    if (left < chunk.length) yield chunk.subarray(left);
    left = Math.max(0, left - chunk.length);
  }
}
