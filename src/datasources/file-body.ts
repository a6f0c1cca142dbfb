import { Readable, type Writable } from 'node:stream';
import { MOST_LENT, type Sink } from './file-wire.js';

/** The bytes of a file that were asked for. Exactly one of the methods has to be called, once. */
export interface FileBody {
  /** As a stream like any other. It fails with an UpstreamError rather than end with less, or other, than the file. */
  stream(): Readable;
  /**
   * Into a writable, without a copy in between; `begin` is called just before the first byte. Ends the writable when all is in it, and
   * resolves; rejects with an UpstreamError as `stream` fails, or once the writable is closed early, and leaves the writable as it is.
   */
  pipeTo(target: Writable, begin: () => void): Promise<void>;
}

/** `read` lets the bytes come, `leave` ends the request. */
export function bodyOf(read: (sink: Sink) => void, leave: () => void): FileBody {
  return {
    stream() {
      let held: (() => void)[] = [];
      const stream = new Readable({
        read() {
          const releases = held;
          held = [];
          for (const release of releases) release();
        },
        destroy(error, done) {
          leave();
          done(error);
        },
      });
      // It may fail before anybody listens; whoever reads it later is told all the same.
      stream.on('error', () => {});
      read({
        mostLent: 1,
        piece(bytes, release) {
          // What is lent comes again with other bytes in it, and a reader of a stream may keep what it got.
          if (stream.push(Buffer.from(bytes))) release();
          else held.push(release);
        },
        end: () => void stream.push(null),
        fail: (error) => void stream.destroy(error),
      });
      return stream;
    },

    pipeTo: (target, begin) =>
      new Promise((resolve, reject) => {
        let hasBegun = false;
        const beginOnce = (): void => {
          if (!hasBegun) begin();
          hasBegun = true;
        };
        target.once('close', () => {
          leave();
          reject(new Error('The target was closed before the file was in it.'));
        });
        target.once('error', reject);
        read({
          mostLent: MOST_LENT,
          piece(bytes, release) {
            beginOnce();
            target.write(bytes, release);
          },
          end() {
            beginOnce();
            target.end(resolve);
          },
          fail: reject,
        });
      }),
  };
}

/** No bytes, and no request for them. */
export const EMPTY: FileBody = bodyOf(
  (sink) => sink.end(),
  () => {},
);
