/** Bytes as they come, to be taken in any portions. */
export class ByteInput {
  readonly #source: AsyncIterator<Uint8Array>;
  #ahead: Buffer | null = null;

  constructor(bytes: AsyncIterable<Uint8Array>) {
    this.#source = bytes[Symbol.asyncIterator]();
  }

  /** The next bytes, however many have come; null at the end. */
  async read(): Promise<Buffer | null> {
    const ahead = this.#ahead;
    this.#ahead = null;
    if (ahead !== null && ahead.length > 0) return ahead;
    const { value, done } = await this.#source.next();
    if (done === true) return null;
    return Buffer.from(value.buffer, value.byteOffset, value.byteLength);
  }

  /** Exactly so many bytes; null where there are fewer. */
  async take(length: number): Promise<Buffer | null> {
    const parts: Buffer[] = [];
    let missing = length;
    while (missing > 0) {
      const chunk = await this.read();
      if (chunk === null) return null;
      parts.push(chunk.subarray(0, missing));
      if (chunk.length > missing) this.unread(chunk.subarray(missing));
      missing -= Math.min(missing, chunk.length);
    }
    return Buffer.concat(parts);
  }

  /** Puts back what was read too much. */
  unread(bytes: Buffer): void {
    this.#ahead = this.#ahead === null ? bytes : Buffer.concat([bytes, this.#ahead]);
  }

  /** Tells the source that no more is wanted. */
  async close(): Promise<void> {
    await this.#source.return?.();
  }
}
