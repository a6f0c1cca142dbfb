interface UnderWay<T> {
  readonly work: Promise<T>;
  readonly stop: AbortController;
  waiting: number;
}

/** Work that several may wait for at the same time: it is done once, and ended when the last of them has left. */
export class SharedWork<T> {
  readonly #underWay = new Map<string, UnderWay<T>>();

  /** `gone` is aborted when the caller does not wait any more. The signal that `begin` gets is aborted when nobody does. */
  async join(key: string, gone: AbortSignal, begin: (abandoned: AbortSignal) => Promise<T>): Promise<T> {
    const shared = this.#underWay.get(key) ?? this.#begin(key, begin);
    const leave = (): void => {
      shared.waiting -= 1;
      if (shared.waiting > 0) return;
      this.#forget(key, shared);
      shared.stop.abort();
    };
    shared.waiting += 1;
    if (gone.aborted) leave();
    else gone.addEventListener('abort', leave);
    try {
      return await shared.work;
    } finally {
      gone.removeEventListener('abort', leave);
    }
  }

  #begin(key: string, begin: (abandoned: AbortSignal) => Promise<T>): UnderWay<T> {
    const stop = new AbortController();
    const shared: UnderWay<T> = { work: begin(stop.signal), stop, waiting: 0 };
    const over = (): void => this.#forget(key, shared);
    shared.work.then(over, over);
    this.#underWay.set(key, shared);
    return shared;
  }

  /** Another may have begun under the key meanwhile. */
  #forget(key: string, shared: UnderWay<T>): void {
    if (this.#underWay.get(key) === shared) this.#underWay.delete(key);
  }
}
