import type { Logger } from 'pino';
import { UpstreamError } from '../models/errors.js';
import { failurePause, FRESH_MS, REFUSED_MS } from './pace.js';
import type { Clock } from './clock.js';

/** What a tick of a feed is to bring. */
export interface Wanted {
  /** Runs whose state somebody asked for. */
  readonly ids: ReadonlySet<string>;
  /** Whether new runs are to be looked for. */
  readonly news: boolean;
}

/** What is done at each tick of one API's feed; what it reads goes to the ledger. */
export interface FeedTick {
  /** Rejects with the upstream's error. */
  tick(wanted: Wanted): Promise<void>;
  /** Ms until the next tick is due by itself; null: only when asked. */
  pause(): Promise<number | null>;
}

interface Ask {
  readonly ids: Set<string>;
  news: boolean;
  readonly done: Promise<void>;
  readonly resolve: () => void;
}

/** A tick under way. */
interface Tick {
  readonly ask: Ask;
  /** Unix ms. */
  readonly began: number;
  readonly ended: Promise<void>;
}

/**
 * One feed for each API, however many readers and subscribers: at most one tick runs at a time, and all that is asked
 * meanwhile is put into the next one, so that no ask is lost and none costs a request of its own.
 */
export class Feed {
  readonly #work: FeedTick;
  readonly #log: Logger;
  readonly #random: () => number;
  readonly #clock: Clock;
  #next: Ask | null = null;
  #running: Tick | null = null;
  /** Ends the timer of the next tick. */
  #cancel: () => void = () => {};
  #failures = 0;
  /** Until when (unix ms) nobody need knock again. */
  #quietUntil = 0;
  #lastFailure = '';
  #closed = false;

  constructor(work: FeedTick, options: { log: Logger; random: () => number; clock: Clock }) {
    this.#work = work;
    this.#log = options.log;
    this.#random = options.random;
    this.#clock = options.clock;
  }

  /**
   * Resolves when a tick for what is wanted, begun after this call or at most a second before, has ended, well or badly. Within a
   * second of a failure, a minute of a refusal, it resolves at once: readers must not each knock on a closed door.
   */
  ask(wanted: { ids?: Iterable<string>; news?: boolean }): Promise<void> {
    if (this.#closed) return Promise.resolve();
    if (this.#clock.now() < this.#quietUntil) return Promise.resolve();
    if (this.#running !== null && this.#isServing(this.#running, wanted)) return this.#running.ask.done;
    this.#next ??= newAsk();
    const { ids, done } = this.#next;
    for (const id of wanted.ids ?? []) ids.add(id);
    if (wanted.news === true) this.#next.news = true;
    if (this.#running === null) this.#start();
    return done;
  }

  /** Works out anew when the next tick is due: somebody began to watch, or a run was created. */
  poke(): void {
    if (this.#running === null && !this.#closed) void this.#schedule();
  }

  /** Ends the feed after the tick under way. */
  async close(): Promise<void> {
    this.#closed = true;
    this.#cancel();
    await this.#running?.ended;
    this.#next?.resolve();
  }

  #isServing({ ask, began }: Tick, wanted: { ids?: Iterable<string>; news?: boolean }): boolean {
    if (this.#clock.now() - began > FRESH_MS || (wanted.news === true && !ask.news)) return false;
    return [...(wanted.ids ?? [])].every((id) => ask.ids.has(id));
  }

  #start(): void {
    this.#cancel();
    const ask = this.#next ?? newAsk();
    this.#next = null;
    this.#running = { ask, began: this.#clock.now(), ended: this.#run(ask) };
  }

  async #run(ask: Ask): Promise<void> {
    await this.#tick(ask);
    this.#running = null;
    ask.resolve();
    if (this.#closed) return;
    if (this.#next === null) void this.#schedule();
    else this.#start();
  }

  async #tick({ ids, news }: Ask): Promise<void> {
    try {
      await this.#work.tick({ ids, news });
      if (this.#failures > 0) this.#log.info('a feed can be refreshed again');
      this.#failures = 0;
      this.#quietUntil = 0;
      this.#lastFailure = '';
    } catch (error) {
      this.#failed(error);
    }
  }

  /** One line for each kind of failure, however long it lasts. */
  #failed(error: unknown): void {
    this.#failures += 1;
    this.#quietUntil = this.#clock.now() + (isRefusal(error) ? REFUSED_MS : FRESH_MS);
    const failure = error instanceof Error ? error.message : String(error);
    const level = failure === this.#lastFailure ? 'debug' : 'warn';
    this.#lastFailure = failure;
    this.#log[level]({ err: error, failures: this.#failures }, 'a feed could not be refreshed');
  }

  async #schedule(): Promise<void> {
    const pause = await this.#pause();
    if (this.#closed || this.#running !== null) return;
    this.#cancel();
    if (pause !== null) this.#cancel = this.#clock.after(pause, () => this.#start());
  }

  /** Never rejects: a feed that could not work out its next tick would not have one. */
  async #pause(): Promise<number | null> {
    try {
      const pause = await this.#work.pause();
      if (this.#failures === 0 || pause === null) return pause;
      return Math.max(
        pause,
        failurePause(this.#failures, this.#random),
        this.#quietUntil - this.#clock.now(),
      );
    } catch (error) {
      this.#failed(error);
      return failurePause(this.#failures, this.#random);
    }
  }
}

/** Whether the key may not do this, which asking again soon will not change. */
function isRefusal(error: unknown): boolean {
  return error instanceof UpstreamError && (error.kind === 'unauthenticated' || error.kind === 'forbidden');
}

function newAsk(): Ask {
  let resolve = () => {};
  const done = new Promise<void>((settle) => {
    resolve = settle;
  });
  return { ids: new Set(), news: false, done, resolve };
}
