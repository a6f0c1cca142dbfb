/** Who waits for what in this process. A wake is a hint that something changed; what changed is read from the ledger. */
export class Wakes {
  readonly #listeners = new Map<string, Set<() => void>>();

  /** Calls every listener of the topic. */
  wake(topic: string): void {
    // A copy: a listener may end itself, or begin another.
    for (const listener of Array.from(this.#listeners.get(topic) ?? [])) listener();
  }

  /** Calls the listeners of all topics that are hints: something may have changed without a notice of it. */
  wakeAll(isHint: (topic: string) => boolean): void {
    for (const topic of [...this.#listeners.keys()].filter(isHint)) this.wake(topic);
  }

  /** Listens until the returned function is called. */
  on(topic: string, listener: () => void): () => void {
    const listeners = this.#listeners.get(topic) ?? new Set();
    listeners.add(listener);
    this.#listeners.set(topic, listeners);
    return () => {
      listeners.delete(listener);
      if (listeners.size === 0) this.#listeners.delete(topic);
    };
  }
}
