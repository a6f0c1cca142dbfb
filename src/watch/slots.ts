import type { Ledger } from '../ledger/ledger.js';
import { UpstreamError } from '../models/errors.js';
import type { Clock } from './clock.js';
import { isNoSlot } from './create-errors.js';
import type { Followers } from './followers.js';

/** The ledger may not know which runs take the slots, or hear late that one has ended: the first in line asks again so often, ms. */
const RETRY_MS = 2_000;

export interface SlotsOptions {
  readonly ledger: Ledger;
  readonly followers: Pick<Followers, 'add'>;
  readonly clock: Clock;
}

/** Somebody in line. */
interface Waiter {
  /** Unix ms. */
  readonly until: number;
  /** Whether there may be a slot since it last asked. */
  isRaised: boolean;
  /** Whether it has asked for the last time. */
  isOver: boolean;
  wake: () => void;
}

/**
 * The line of creates that wait until Stripe runs one of v2's reports less. Only the first in line asks Stripe: when a run has
 * ended, after a while in any case, and when it has become the first, since more than one run may have ended.
 */
export class Slots {
  readonly #options: SlotsOptions;
  readonly #line: Waiter[] = [];
  /** What those in line are answered if their time is up. */
  #refusal: UpstreamError | null = null;
  /** The running runs that are followed while somebody waits, and how that is ended. */
  readonly #followed = new Map<string, () => void>();
  #closed = false;

  constructor(options: SlotsOptions) {
    this.#options = options;
  }

  /**
   * Calls `post` until it is not refused for want of a slot, but not after `until`, unix ms; then throws the last refusal. It is told
   * whether it had to wait for its turn.
   */
  async through<T>(until: number, post: (hasWaited: boolean) => Promise<T>): Promise<T> {
    if (this.#line.length === 0) {
      const done = await this.#try(() => post(false));
      if (done !== null) return done.value;
    }
    const waiter: Waiter = { until, isRaised: false, isOver: false, wake: () => {} };
    this.#line.push(waiter);
    try {
      while (await this.#turn(waiter)) {
        const done = await this.#try(() => post(true));
        if (done !== null) return done.value;
      }
      throw this.#refusal ?? new Error('Somebody waits for a slot who was never refused one.');
    } finally {
      this.#leave(waiter);
    }
  }

  /**
   * Called when runs have moved: the first in line tries again if one of those that take the slots has ended. Never rejects: where the
   * ledger cannot be read, the first in line asks after a while in any case.
   */
  async look(): Promise<void> {
    if (this.#line.length === 0) return;
    const running = await this.#running().catch(() => null);
    if (running !== null && [...this.#followed.keys()].some((id) => !running.has(id))) raise(this.#line[0]);
  }

  /** Nobody waits any longer. */
  close(): void {
    this.#closed = true;
    for (const waiter of this.#line) waiter.wake();
  }

  /** Null where there is no slot. */
  async #try<T>(post: () => Promise<T>): Promise<{ readonly value: T } | null> {
    try {
      return { value: await post() };
    } catch (error) {
      if (!(error instanceof UpstreamError) || !isNoSlot(error)) throw error;
      this.#refusal = error;
      await this.#follow();
      return null;
    }
  }

  /** True when it is the waiter's turn to ask; false when its time is up. The first in line asks once more then. */
  async #turn(waiter: Waiter): Promise<boolean> {
    const { clock } = this.#options;
    const retryAt = clock.now() + RETRY_MS;
    while (!this.#closed && !waiter.isOver) {
      const now = clock.now();
      const nextAt = this.#line[0] === waiter ? Math.min(retryAt, waiter.until) : waiter.until;
      waiter.isOver = now >= waiter.until;
      if (this.#line[0] === waiter && (waiter.isRaised || now >= nextAt)) {
        waiter.isRaised = false;
        return true;
      }
      if (!waiter.isOver) await this.#pause(waiter, nextAt - now);
    }
    return false;
  }

  #pause(waiter: Waiter, ms: number): Promise<void> {
    return new Promise((resolve) => {
      const cancel = this.#options.clock.after(ms, resolve);
      waiter.wake = () => {
        cancel();
        resolve();
      };
    });
  }

  #leave(waiter: Waiter): void {
    const wasFirst = this.#line[0] === waiter;
    this.#line.splice(this.#line.indexOf(waiter), 1);
    if (wasFirst) raise(this.#line[0]);
    if (this.#line.length > 0) return;
    for (const end of this.#followed.values()) end();
    this.#followed.clear();
  }

  /** Whoever waits wants to hear soon which run ends. */
  async #follow(): Promise<void> {
    const { followers } = this.#options;
    const running = await this.#running();
    for (const [id, end] of this.#followed) {
      if (running.has(id)) continue;
      end();
      this.#followed.delete(id);
    }
    for (const id of running) if (!this.#followed.has(id)) this.#followed.set(id, followers.add(id));
  }

  async #running(): Promise<ReadonlySet<string>> {
    return new Set((await this.#options.ledger.runs.running('V2')).map(({ id }) => id));
  }
}

function raise(waiter: Waiter | undefined): void {
  if (waiter === undefined) return;
  waiter.isRaised = true;
  waiter.wake();
}
