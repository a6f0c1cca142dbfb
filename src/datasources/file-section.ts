import { UpstreamError } from '../models/errors.js';
import { BrokenWire, MOST_LENT, type Sink } from './file-wire.js';

interface Section {
  /** Bytes at the beginning that nobody asked for: an upstream that ignores `Range` sends them. */
  readonly skip: number;
  /** Bytes after them that were asked for; at least one. */
  readonly length: number;
  /** Whether the upstream rightly sends more than that. Where it does not, more is as wrong as less. */
  readonly goesOn: boolean;
}

/**
 * Takes a body and gives on the asked-for bytes of it. `to` is ended only when all of them have come, and fails with an UpstreamError
 * otherwise; the last piece is held back until it is certain that no more follows. `leave` ends the request, where that is early.
 */
export function sectionOf({ skip, length, goesOn }: Section, to: Sink, leave: () => void): Sink {
  const end = skip + length;
  let at = 0;
  let giveLast: (() => void) | null = null;
  let isOver = false;
  const fail = (error: Error): void => {
    if (isOver) return;
    isOver = true;
    leave();
    to.fail(error);
  };
  const finish = (): void => {
    isOver = true;
    giveLast?.();
    leave();
    to.end();
  };
  return {
    // One more for the piece that is held back.
    mostLent: Math.min(MOST_LENT, to.mostLent + 1),
    piece(bytes, release) {
      const from = at;
      at += bytes.length;
      if (isOver || at <= skip) return release();
      if (at > end && !goesOn) {
        release();
        return fail(new UpstreamError('contract', 'What Stripe sends is longer than the file is.'));
      }
      const piece = bytes.subarray(Math.max(0, skip - from), end - from);
      if (at < end) return to.piece(piece, release);
      giveLast = () => to.piece(piece, release);
      if (goesOn) finish();
    },
    end() {
      if (isOver) return;
      if (giveLast === null) fail(brokenOff(at, false));
      else finish();
    },
    fail: (error) => fail(error instanceof BrokenWire ? brokenOff(at, error.isSilence) : error),
  };
}

function brokenOff(bytes: number, isSilence: boolean): UpstreamError {
  const what = isSilence ? 'fell silent' : 'broke off';
  return new UpstreamError('unavailable', `Stripe ${what} after ${bytes} bytes of the file.`);
}
