import { once } from 'node:events';
import { createInflateRaw } from 'node:zlib';
import type { ByteInput } from './byte-input.js';

/**
 * What a deflate stream holds. It knows its own end: what the input has behind that is put back. Throws what zlib throws where
 * the stream is damaged, and zlib's "unexpected end of file" where the input ends too early.
 */
export async function* inflate(input: ByteInput): AsyncGenerator<Buffer> {
  const inflater = createInflateRaw();
  const feeding = feed(input, inflater).catch((error: unknown) => {
    inflater.destroy(error instanceof Error ? error : new Error(String(error)));
  });
  try {
    yield* inflater;
    await feeding;
  } finally {
    inflater.destroy();
  }
}

/** One piece at a time, so that what is left over at the end is of the last one. */
async function feed(input: ByteInput, inflater: ReturnType<typeof createInflateRaw>): Promise<void> {
  const closed = once(inflater, 'close');
  closed.catch(() => {});
  let given = 0;
  for (;;) {
    const chunk = await input.read();
    if (chunk === null || inflater.destroyed) {
      inflater.end();
      return;
    }
    given += chunk.length;
    await Promise.race([new Promise((done) => inflater.write(chunk, done)), closed]);
    // Bytes that it does not want are behind the stream's end.
    const left = given - inflater.bytesWritten;
    if (left > 0) input.unread(chunk.subarray(chunk.length - left));
    if (left > 0 || inflater.destroyed) return;
  }
}
