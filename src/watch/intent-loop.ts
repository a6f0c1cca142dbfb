import type { Logger } from 'pino';
import type { Intent } from '../ledger/intent-rows.js';
import type { Ledger } from '../ledger/ledger.js';
import { GatewayError, UpstreamError } from '../models/errors.js';
import type { Clock } from './clock.js';
import type { IntentFinisher } from './intent-finisher.js';
import { within } from './within.js';

/** The least pause between two rounds, ms: an intent that stays due must not be tried without end. */
const LEAST_PAUSE_MS = 1_000;
/** The longest, ms: another instance may have left something since. */
const MOST_PAUSE_MS = 30_000;
/** The pause, ms, after the ledger itself could not be asked. */
const FAILURE_PAUSE_MS = 10_000;
/** How many intents are claimed, and tried, at once: what is claimed must be tried well within its lease. */
const BATCH = 4;
/** How long, ms, an attempt may still go on when the gateway closes. */
const CLOSE_MS = 1_000;

export interface IntentLoopOptions {
  readonly ledger: Ledger;
  readonly finisher: IntentFinisher;
  readonly log: Logger;
  readonly clock: Clock;
  /** Whether other processes may be at the intents, too. */
  readonly isShared: boolean;
}

/** Finishes the intents that a lost answer, a failure or a dead process left open; every instance has one. */
export class IntentLoop {
  readonly #options: IntentLoopOptions;
  #cancel: () => void = () => {};
  /** Never rejects. */
  #work: Promise<void> = Promise.resolve();
  #closed = false;

  constructor(options: IntentLoopOptions) {
    this.#options = options;
  }

  /** Where this process has the ledger to itself, it takes up all that are open at once: nobody else can be at them. */
  start(): void {
    const { ledger, isShared } = this.#options;
    this.#do(async () => {
      if (!isShared) await ledger.intents.makeDue();
      await this.#finishDue();
    });
  }

  /** Works out anew when the next one is due. */
  poke(): void {
    this.#do(() => Promise.resolve());
  }

  /** A create that hangs is left to whoever takes it up when its lease is over. */
  async close(): Promise<void> {
    this.#closed = true;
    this.#cancel();
    await within(this.#options.clock, CLOSE_MS, this.#work);
  }

  #do(work: () => Promise<void>): void {
    this.#work = this.#work
      .then(work)
      .then(() => this.#schedule())
      .catch((error: unknown) => {
        if (this.#closed) return;
        this.#options.log.error({ err: error }, 'the open creates could not be looked through');
        this.#runIn(FAILURE_PAUSE_MS);
      });
  }

  async #schedule(): Promise<void> {
    if (this.#closed) return;
    const { ledger, clock } = this.#options;
    const due = (await ledger.intents.nextDue()) ?? Number.POSITIVE_INFINITY;
    this.#runIn(Math.min(MOST_PAUSE_MS, Math.max(LEAST_PAUSE_MS, due - clock.now())));
  }

  #runIn(pause: number): void {
    this.#cancel();
    if (this.#closed) return;
    this.#cancel = this.#options.clock.after(pause, () => this.#do(() => this.#finishDue()));
  }

  async #finishDue(): Promise<void> {
    while (!this.#closed) {
      const claimed = await this.#options.ledger.intents.claim(BATCH);
      if (claimed.length === 0) return;
      await Promise.all(claimed.map((intent) => this.#finish(intent)));
    }
  }

  async #finish(intent: Intent): Promise<void> {
    const { finisher, log } = this.#options;
    try {
      const run = await finisher.finish(intent);
      log.info({ idempotencyKey: intent.key, run }, 'a create that was left open is finished');
    } catch (error) {
      const about = { idempotencyKey: intent.key, err: error };
      if (error instanceof UpstreamError) log.warn(about, 'a create that was left open is refused for good');
      else log[error instanceof GatewayError ? 'warn' : 'error'](about, 'a create is still open');
    }
  }
}
