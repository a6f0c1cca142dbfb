import type { Logger } from 'pino';
import type { Ledger } from '../ledger/ledger.js';
import { GatewayError, UpstreamError } from '../models/errors.js';
import type { Clock } from './clock.js';
import type { IntentFinisher } from './intent-finisher.js';

/** The least pause between two rounds, ms: an intent that stays due must not be tried without end. */
const LEAST_PAUSE_MS = 1_000;
/** The pause, ms, after the ledger itself could not be asked. */
const FAILURE_PAUSE_MS = 10_000;
/** How many intents one round takes up. */
const BATCH = 1_000;

export interface IntentLoopOptions {
  readonly ledger: Ledger;
  readonly finisher: IntentFinisher;
  readonly log: Logger;
  readonly clock: Clock;
}

/** Finishes the intents that a lost answer, a failure or a dead process left open, one after the other. */
export class IntentLoop {
  readonly #options: IntentLoopOptions;
  #cancel: () => void = () => {};
  /** Never rejects. */
  #work: Promise<void> = Promise.resolve();
  #closed = false;

  constructor(options: IntentLoopOptions) {
    this.#options = options;
  }

  /** Takes up all that are open: nobody else is at them, since this process has the ledger to itself. */
  start(): void {
    this.#do(() => this.#finishDue(Number.MAX_SAFE_INTEGER));
  }

  /** Works out anew when the next one is due. */
  poke(): void {
    this.#do(() => Promise.resolve());
  }

  async close(): Promise<void> {
    this.#closed = true;
    this.#cancel();
    await this.#work;
  }

  #do(work: () => Promise<void>): void {
    this.#work = this.#work
      .then(work)
      .then(() => this.#schedule())
      .catch((error: unknown) => {
        this.#options.log.error({ err: error }, 'the open creates could not be looked through');
        this.#runIn(FAILURE_PAUSE_MS);
      });
  }

  async #schedule(): Promise<void> {
    if (this.#closed) return;
    const due = await this.#options.ledger.intents.nextDue();
    if (due !== null) this.#runIn(Math.max(LEAST_PAUSE_MS, due - this.#options.clock.now()));
  }

  #runIn(pause: number): void {
    this.#cancel();
    if (this.#closed) return;
    const { clock } = this.#options;
    this.#cancel = clock.after(pause, () => this.#do(() => this.#finishDue(clock.now())));
  }

  async #finishDue(until: number): Promise<void> {
    if (this.#closed) return;
    const { ledger, finisher, log } = this.#options;
    for (const { key } of await ledger.intents.due(until, BATCH)) {
      // A round takes its time: somebody may have repeated the mutation meanwhile.
      const intent = await ledger.intents.get(key);
      if (this.#closed) return;
      if (intent === null || intent.state !== 'pending' || intent.due > until) continue;
      try {
        const run = await finisher.finish(intent, false);
        log.info({ idempotencyKey: key, run }, 'a create that was left open is finished');
      } catch (error) {
        const about = { idempotencyKey: key, err: error };
        if (error instanceof UpstreamError)
          log.warn(about, 'a create that was left open is refused for good');
        else log[error instanceof GatewayError ? 'warn' : 'error'](about, 'a create is still open');
      }
    }
  }
}
