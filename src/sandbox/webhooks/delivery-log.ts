/** One attempt to deliver an event. */
export interface LoggedDelivery {
  readonly seq: number;
  readonly webhook: string;
  readonly event: string;
  readonly type: string;
  /** The id of what the event is about. */
  readonly object: string;
  /** 1 for the first. */
  readonly attempt: number;
  /** When it was sent, unix ms. */
  readonly at: number;
  /** What it was answered with; 0: not at all; null: it was dropped instead of being sent. */
  readonly status: number | null;
  /** How long the answer took, ms; null where there was none. */
  readonly ms: number | null;
}

const MOST = 50_000;

/** The attempts in the order they ended; the oldest are dropped in time. */
export class DeliveryLog {
  #seq = 0;
  #entries: LoggedDelivery[] = [];

  add(entry: Omit<LoggedDelivery, 'seq'>): void {
    this.#seq += 1;
    this.#entries.push({ seq: this.#seq, ...entry });
    // In one go now and then: taking the first of so many away is dear.
    if (this.#entries.length > MOST * 1.1) this.#entries = this.#entries.slice(-MOST);
  }

  list(): readonly LoggedDelivery[] {
    return this.#entries;
  }

  clear(): void {
    this.#entries = [];
  }
}
