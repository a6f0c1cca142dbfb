import type { Readable } from 'node:stream';
import type { ReportFile } from '../models/report-run.js';
import { unreadable } from './unreadable.js';
import { unzipCsv } from './zip.js';

/** What is unzipped of one file for one reading, in bytes. */
const MAX_UNZIPPED = 256_000_000;

/** A file's CSV from a byte on. `open` is asked for what of the file that takes: a ZIP is always read from its beginning. */
export async function* openCsv(
  { contentType }: ReportFile,
  open: (start: number) => Promise<{ readonly stream: Readable }>,
  offset: number,
): AsyncGenerator<Uint8Array> {
  switch (contentType) {
    case 'CSV':
      yield* (await open(offset)).stream;
      return;
    case 'ZIP':
      yield* from(unzipCsv((await open(0)).stream, MAX_UNZIPPED), offset);
      return;
    case 'OTHER':
      throw unreadable(
        'The file is neither CSV nor a ZIP of it, so it has no rows. It can still be downloaded.',
      );
    default:
      contentType satisfies never;
  }
}

async function* from(bytes: AsyncIterable<Uint8Array>, offset: number): AsyncGenerator<Uint8Array> {
  let left = offset;
  for await (const chunk of bytes) {
    if (left < chunk.length) yield chunk.subarray(left);
    left = Math.max(0, left - chunk.length);
  }
}
