import { createWriteStream } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { ReadableStream } from 'node:stream/web';

/** A file that was saved. */
export interface Saved {
  readonly path: string;
  readonly bytes: number;
}

/** Is told how far a download has come; `total` is null where nobody says. */
export type OnProgress = (bytes: number, total: number | null) => void;

/** Downloads by a signed link, which needs no key and no header, under the name that the gateway gives the file. */
export async function save(url: string, folder: string, onProgress: OnProgress): Promise<Saved> {
  const answer = await fetch(url);
  if (!answer.ok || answer.body === null)
    throw new Error(`the file could not be fetched: ${(await answer.text()).trim()}`);
  const length = answer.headers.get('content-length');
  const total = length === null ? null : Number(length);
  await mkdir(folder, { recursive: true });
  const path = join(folder, nameOf(answer));
  let bytes = 0;
  await pipeline(
    Readable.fromWeb(answer.body as ReadableStream<Uint8Array>),
    async function* (pieces: AsyncIterable<Uint8Array>) {
      for await (const piece of pieces) {
        bytes += piece.length;
        onProgress(bytes, total);
        yield piece;
      }
    },
    createWriteStream(path),
  );
  return { path, bytes };
}

/** Only the last part of it: whatever the name, the file stays in its folder. */
function nameOf(answer: Response): string {
  const name = /filename="([^"]+)"/.exec(answer.headers.get('content-disposition') ?? '')?.[1];
  return basename(name ?? 'report.csv');
}
