import type { Clock } from '../watch/clock.js';

interface Alarm {
  readonly at: number;
  /** Alarms of one instant go off in the order they were set. */
  readonly seq: number;
  readonly work: () => void;
  cancelled: boolean;
}

/** Time that passes only when it is told to: an hour of timers takes as long as their work. */
export class VirtualClock implements Clock {
  #now: number;
  #seq = 0;
  /** A binary heap, the next alarm first. */
  readonly #alarms: Alarm[] = [];

  /** `start` is unix ms. */
  constructor(start: number) {
    this.#now = start;
  }

  now = (): number => Math.floor(this.#now);

  wait(ms: number): Promise<void> {
    return new Promise((resolve) => {
      this.after(ms, resolve);
    });
  }

  after(ms: number, work: () => void): () => void {
    this.#seq += 1;
    const alarm: Alarm = { at: this.#now + Math.max(0, ms), seq: this.#seq, work, cancelled: false };
    this.#push(alarm);
    return () => {
      alarm.cancelled = true;
    };
  }

  /** Lets so many ms pass, with all that happens in them. */
  async pass(ms: number): Promise<void> {
    const until = this.#now + ms;
    await settle();
    for (let next = this.#alarms[0]; next !== undefined && next.at <= until; next = this.#alarms[0]) {
      this.#pop();
      if (next.cancelled) continue;
      this.#now = Math.max(this.#now, next.at);
      next.work();
      await settle();
    }
    this.#now = until;
  }

  #push(alarm: Alarm): void {
    const heap = this.#alarms;
    let index = heap.push(alarm) - 1;
    while (index > 0) {
      const parent = (index - 1) >> 1;
      const above = heap[parent];
      if (above === undefined || isBefore(above, alarm)) break;
      heap[index] = above;
      index = parent;
    }
    heap[index] = alarm;
  }

  #pop(): void {
    const heap = this.#alarms;
    const last = heap.pop();
    if (last === undefined || heap.length === 0) return;
    let index = 0;
    for (;;) {
      let child = 2 * index + 1;
      const right = heap[child + 1];
      let next = heap[child];
      if (next === undefined) break;
      if (right !== undefined && isBefore(right, next)) {
        child += 1;
        next = right;
      }
      if (isBefore(last, next)) break;
      heap[index] = next;
      index = child;
    }
    heap[index] = last;
  }
}

function isBefore(a: Alarm, b: Alarm): boolean {
  return a.at < b.at || (a.at === b.at && a.seq < b.seq);
}

/** Waits until nothing is left to do at this instant: promises only, since SQLite answers without a wait. */
function settle(): Promise<void> {
  return new Promise((resolve) => {
    setImmediate(resolve);
  });
}
