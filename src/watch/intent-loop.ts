import type { Logger } from 'pino';
import type { Ledger } from '../ledger/ledger.js';
import { GatewayError, UpstreamError } from '../models/errors.js';
import type { CreateRun } from './create-run.js';

/** The least pause between two rounds, ms: an intent that stays due must not be tried without end. */
const LEAST_PAUSE_MS = 1_000;
/** How many intents are taken up at a time. */
const BATCH = 10;

/** Finishes the intents that a lost answer, a failure or a dead process left open. */
export class IntentLoop {
  readonly #options: { ledger: Ledger; creates: CreateRun; log: Logger; now: () => number };
  #timer: NodeJS.Timeout | null = null;
  #work: Promise<void> = Promise.resolve();
  #closed = false;

  constructor(options: { ledger: Ledger; creates: CreateRun; log: Logger; now: () => number }) {
    this.#options = options;
  }

  /** Takes up all that are open: nobody else is at them, since this process has the ledger to itself. */
  start(): void {
    this.#work = this.#finishDue(Number.MAX_SAFE_INTEGER).then(() => this.#schedule());
  }

  /** Works out anew when the next one is due. */
  poke(): void {
    void this.#work.then(() => this.#schedule());
  }

  async close(): Promise<void> {
    this.#closed = true;
    if (this.#timer !== null) clearTimeout(this.#timer);
    await this.#work;
  }

  async #schedule(): Promise<void> {
    const due = this.#closed ? null : await this.#options.ledger.intents.nextDue();
    if (this.#closed) return;
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
    if (due === null) return;
    const pause = Math.max(LEAST_PAUSE_MS, due - this.#options.now());
    this.#timer = setTimeout(() => this.#run(), pause);
  }

  #run(): void {
    this.#work = this.#finishDue(this.#options.now()).then(() => this.#schedule());
  }

  async #finishDue(until: number): Promise<void> {
    const { ledger, creates, log } = this.#options;
    for (const intent of await ledger.intents.due(until, BATCH)) {
      if (this.#closed) return;
      try {
        const run = await creates.finish(intent, false);
        log.info({ idempotencyKey: intent.key, run }, 'a create that was left open is finished');
      } catch (error) {
        const isExpected = error instanceof GatewayError || error instanceof UpstreamError;
        log[isExpected ? 'warn' : 'error'](
          { idempotencyKey: intent.key, err: error },
          'a create is still open',
        );
      }
    }
  }
}
