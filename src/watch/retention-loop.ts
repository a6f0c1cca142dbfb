import type { Logger } from 'pino';
import type { Retention } from '../ledger/retention.js';
import type { Clock } from './clock.js';

const DAY_MS = 86_400_000;
/** After the start, and how often it is looked whether the day's deletion is due, ms. */
const FIRST_LOOK_MS = 60_000;
const LOOK_MS = 3_600_000;
/** Rows in one statement, and the pause, ms, after it: writers wait for each other. */
const BATCH = 500;
const PAUSE_MS = 200;

export interface RetentionLoopOptions {
  readonly retention: Retention;
  /** How long transitions and settled intents are kept. */
  readonly days: number;
  readonly log: Logger;
  readonly clock: Clock;
}

/** Deletes what is older than is kept, once a day, in one of the processes that share the ledger. */
export class RetentionLoop {
  readonly #options: RetentionLoopOptions;
  #cancel: () => void = () => {};
  #work: Promise<void> = Promise.resolve();
  #closed = false;

  constructor(options: RetentionLoopOptions) {
    this.#options = options;
  }

  start(): void {
    this.#lookIn(FIRST_LOOK_MS);
  }

  async close(): Promise<void> {
    this.#closed = true;
    this.#cancel();
    await this.#work;
  }

  #lookIn(ms: number): void {
    if (this.#closed) return;
    this.#cancel = this.#options.clock.after(ms, () => {
      this.#work = this.#look()
        .catch((error: unknown) => {
          this.#options.log.error({ err: error }, 'what is older than is kept could not be deleted');
        })
        .then(() => this.#lookIn(LOOK_MS));
    });
  }

  async #look(): Promise<void> {
    const { retention, days, log, clock } = this.#options;
    if (!(await retention.begin(DAY_MS))) return;
    const before = clock.now() - days * DAY_MS;
    const transitions = await this.#all((limit) => retention.transitions(before, limit));
    const intents = await this.#all((limit) => retention.intents(before, limit));
    if (transitions + intents > 0)
      log.info({ transitions, intents, days }, 'what is older than is kept was deleted');
  }

  async #all(deleteSome: (limit: number) => Promise<number>): Promise<number> {
    let total = 0;
    for (let some = BATCH; some === BATCH && !this.#closed; ) {
      some = await deleteSome(BATCH);
      total += some;
      if (some === BATCH) await this.#options.clock.wait(PAUSE_MS);
    }
    return total;
  }
}
