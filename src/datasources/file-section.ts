import { Readable } from 'node:stream';
import { UpstreamError } from '../models/errors.js';

interface Section {
  /** Bytes at the beginning that nobody asked for: an upstream that ignores `Range` sends them. */
  readonly skip: number;
  /** Bytes after them that were asked for; at least one. */
  readonly length: number;
  /** Whether the upstream rightly sends more than that. Where it does not, more is as wrong as less. */
  readonly goesOn: boolean;
}

/**
 * The asked-for bytes of a body that is arriving. It ends only when all of them have come, and fails with an UpstreamError
 * otherwise; the last piece is held back until it is certain that no more follows. Destroying it ends the request.
 */
export function sectionOf(body: Readable, { skip, length, goesOn }: Section): Readable {
  const end = skip + length;
  let at = 0;
  let last: Buffer | null = null;
  /** Whether `section` has all it wants. What comes after that, data or errors, does not matter. */
  let finished = false;

  const section = new Readable({
    read: () => void body.resume(),
    destroy: (error, done) => {
      body.destroy();
      done(error);
    },
  });
  const finish = (): void => {
    if (finished) return;
    finished = true;
    section.push(last);
    section.push(null);
    body.destroy();
  };
  const fail = (error: Error): void => {
    if (!finished) section.destroy(error);
  };
  // It may fail before anybody listens; whoever reads it later is told all the same.
  section.on('error', () => {});

  body.on('data', (chunk: Buffer) => {
    if (finished) return;
    const from = at;
    at += chunk.length;
    if (at <= skip) return;
    if (at > end && !goesOn) {
      return fail(new UpstreamError('contract', 'What Stripe sends is longer than the file is.'));
    }
    const piece = chunk.subarray(Math.max(0, skip - from), end - from);
    if (at >= end) {
      last = piece;
      if (goesOn) finish();
    } else if (!section.push(piece)) body.pause();
  });
  body.on('end', () => {
    if (last !== null) finish();
    else fail(failureAfter(at, null));
  });
  body.on('error', (error) => fail(failureAfter(at, error)));
  body.on('close', () => fail(failureAfter(at, null)));
  body.pause();
  return section;
}

/** The reader's own leaving stays what it is; anything else is the upstream's failure. */
function failureAfter(bytes: number, error: Error | null): Error {
  if (error?.name === 'AbortError') return error;
  const isSilence = error !== null && 'code' in error && error.code === 'UND_ERR_BODY_TIMEOUT';
  return new UpstreamError(
    'unavailable',
    `Stripe ${isSilence ? 'fell silent' : 'broke off'} after ${bytes} bytes of the file.`,
  );
}
