import { LRUCache } from 'lru-cache';
import type { Ledger } from '../ledger/ledger.js';
import { runsTopic } from '../ledger/observe.js';
import type { RunChange } from '../ledger/run-changes.js';
import type { Clock } from './clock.js';
import { Signal } from './follow.js';
import type { Wakes } from './wakes.js';

/** How many transitions are read at once. */
const PAGE = 100;
/** How many of the latest such pages are kept for those who come to them a little later. */
const PAGES_KEPT = 16;
/** The pause, ms, before a ledger that could not be read is asked again. */
export const RETRY_MS = 1_000;

/** The transitions after a place. */
interface Page {
  readonly changes: Promise<readonly RunChange[]>;
  /** What the log was heard of when this was asked. */
  readonly heard: number;
  /** Whether there were any: then more may follow them, but they stay what they are. */
  isLasting: boolean;
}

/**
 * The account's transitions for all who read on from a place of their own. Whoever is up to date reads the same page, from the
 * ledger once for all; whoever is slow reads later, and nothing is kept for them but the ledger itself.
 */
export class RunLog {
  readonly #ledger: Pick<Ledger, 'changes'>;
  readonly #clock: Clock;
  readonly #pages = new LRUCache<number, Page>({ max: PAGES_KEPT });
  readonly #readers = new Set<Signal>();
  #heard = 0;

  constructor(options: {
    account: string;
    ledger: Pick<Ledger, 'changes'>;
    wakes: Wakes;
    clock: Clock;
  }) {
    this.#ledger = options.ledger;
    this.#clock = options.clock;
    options.wakes.on(runsTopic(options.account), () => {
      this.#heard += 1;
      for (const reader of this.#readers) reader.raise();
    });
  }

  /** The place of the latest transition. */
  head(): Promise<number> {
    return this.#ledger.changes.head();
  }

  /**
   * Hands on every transition after a place, in order, each when the one before has been taken, until it is over. While the ledger
   * cannot be read it waits, and goes on where it stopped.
   */
  async readOn(from: number, over: AbortSignal, take: (change: RunChange) => unknown): Promise<void> {
    const wake = new Signal();
    over.addEventListener('abort', () => wake.raise(), { once: true });
    this.#readers.add(wake);
    let place = from;
    while (!over.aborted) {
      const changes = await this.#after(place).catch(() => null);
      if (changes === null) await this.#clock.wait(RETRY_MS);
      else if (changes.length === 0) await wake.wait();
      for (const change of changes ?? []) {
        if (over.aborted) break;
        await take(change);
        place = change.seq;
      }
    }
    this.#readers.delete(wake);
  }

  #after(place: number): Promise<readonly RunChange[]> {
    const known = this.#pages.get(place);
    // What was asked before the last wake may lack what the wake was about.
    if (known !== undefined && (known.isLasting || known.heard === this.#heard)) return known.changes;
    const changes = this.#ledger.changes.after(place, PAGE);
    const page: Page = { changes, heard: this.#heard, isLasting: false };
    this.#pages.set(place, page);
    void this.#settle(place, page);
    return changes;
  }

  async #settle(place: number, page: Page): Promise<void> {
    try {
      page.isLasting = (await page.changes).length > 0;
    } catch {
      if (this.#pages.peek(place) === page) this.#pages.delete(place);
    }
  }
}
