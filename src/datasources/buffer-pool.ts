/** Bytes of one buffer: large, since each reading of a socket costs as much whatever it brings. */
const BUFFER_BYTES = 256 * 1024;
/** As many as keep the socket busy while others are still being written. */
export const MOST_BUFFERS = 4;

/** A few buffers that a socket reads into in turn. One is given out again when everything that was read into it is released. */
export class BufferPool {
  readonly #idle: Buffer[] = [];
  readonly #onBack: () => void;
  #unmade = MOST_BUFFERS;

  /** `onBack` is called whenever a buffer was given back. */
  constructor(onBack: () => void) {
    this.#onBack = onBack;
  }

  /** How many are with somebody. */
  get taken(): number {
    return MOST_BUFFERS - this.#unmade - this.#idle.length;
  }

  /** To be called only where fewer than MOST_BUFFERS are taken. */
  take(): Buffer {
    const idle = this.#idle.pop();
    if (idle !== undefined) return idle;
    this.#unmade -= 1;
    return Buffer.allocUnsafeSlow(BUFFER_BYTES);
  }

  giveBack(buffer: Buffer): void {
    this.#idle.push(buffer);
    this.#onBack();
  }
}

/** Counts who still needs a buffer, and gives it back when nobody does. It begins with one holder, who calls `release`. */
export class Lease {
  readonly #pool: BufferPool;
  readonly #buffer: Buffer;
  #holders = 1;

  constructor(pool: BufferPool, buffer: Buffer) {
    this.#pool = pool;
    this.#buffer = buffer;
  }

  release(): void {
    this.#holders -= 1;
    if (this.#holders === 0) this.#pool.giveBack(this.#buffer);
  }

  /** One more holder. Gives the function by which it lets go, which counts once. */
  share(): () => void {
    this.#holders += 1;
    let holds = true;
    return () => {
      if (!holds) return;
      holds = false;
      this.release();
    };
  }
}
