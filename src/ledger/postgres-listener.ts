import { Client, type ClientConfig } from 'pg';
import type { DatabaseClock } from './postgres-clock.js';
import { pause } from './postgres-outage.js';
import { ask, watchErrors } from './postgres-session.js';

/** The one channel of a database; the payload is the topic. */
export const CHANNEL = 'report_run_ledger';

/** How often the connection is tried, and the clock read, ms. */
const BEAT = 5_000;
/** How long an answer may take before the connection counts as dead, ms. */
const DEADLINE = 5_000;
const FIRST_WAIT = 50;
const LONGEST_WAIT = 2_000;

export interface ListenerOptions {
  readonly config: ClientConfig;
  readonly clock: DatabaseClock;
  readonly random: () => number;
}

interface Connection {
  /** Resolves when it is. */
  readonly lost: Promise<void>;
}

/**
 * The connection that hears what all processes notify, this one too. It is made again whenever it is lost; what was notified
 * meanwhile is lost, so that the gap is told once it listens again.
 */
export class PostgresListener {
  readonly #options: ListenerOptions;
  readonly #topics = new Set<(topic: string) => void>();
  readonly #gaps = new Set<() => void>();
  readonly #closing = new AbortController();
  #client: Client | null = null;
  /** Ends when the listener has been closed. */
  #life: Promise<void> = Promise.resolve();

  constructor(options: ListenerOptions) {
    this.#options = options;
  }

  /** Rejects with what the database said where the first connection cannot be made. */
  async start(): Promise<void> {
    this.#life = this.#live(await this.#connect());
  }

  onNotify(listener: (topic: string) => void): () => void {
    this.#topics.add(listener);
    return () => this.#topics.delete(listener);
  }

  onGap(listener: () => void): () => void {
    this.#gaps.add(listener);
    return () => this.#gaps.delete(listener);
  }

  async close(): Promise<void> {
    this.#closing.abort();
    await this.#life;
  }

  async #connect(): Promise<Connection> {
    const client = new Client(this.#options.config);
    watchErrors(client);
    const lost = new Promise<void>((resolve) => {
      client.on('end', () => resolve());
      client.on('error', () => resolve());
    });
    client.on('notification', ({ payload }) => {
      for (const listener of this.#topics) listener(payload ?? '');
    });
    this.#client = client;
    const { signal } = this.#closing;
    const stop = (): void => void client.connection.stream.destroy(new Error('The ledger is being closed.'));
    signal.addEventListener('abort', stop);
    try {
      await client.connect();
      // Whoever listens first and reads the clock after has missed nothing when this resolves.
      await ask(client, `listen ${CHANNEL}`, { deadline: DEADLINE });
      await this.#options.clock.read(client, DEADLINE);
      return { lost };
    } catch (error) {
      this.#drop();
      throw error;
    } finally {
      signal.removeEventListener('abort', stop);
    }
  }

  async #live(first: Connection): Promise<void> {
    let connection = first;
    while (!this.#closing.signal.aborted) {
      await this.#beatUntil(connection.lost);
      this.#drop();
      const again = await this.#reconnect();
      if (again === null) return;
      connection = again;
      for (const listener of this.#gaps) listener();
    }
  }

  /** Returns when the connection is lost, does not answer any more, or is to be closed. */
  async #beatUntil(lost: Promise<void>): Promise<void> {
    const { signal } = this.#closing;
    const over = new AbortController();
    const end = (): void => over.abort();
    signal.addEventListener('abort', end);
    void lost.then(end);
    while (!over.signal.aborted && this.#client !== null) {
      await pause(BEAT, over.signal);
      if (over.signal.aborted) break;
      await this.#options.clock.read(this.#client, DEADLINE).catch(end);
    }
    signal.removeEventListener('abort', end);
  }

  async #reconnect(): Promise<Connection | null> {
    const { signal } = this.#closing;
    for (let longest = FIRST_WAIT; ; longest = Math.min(2 * longest, LONGEST_WAIT)) {
      await pause((longest * (1 + this.#options.random())) / 2, signal);
      if (signal.aborted) return null;
      try {
        return await this.#connect();
      } catch {
        // The next attempt may do better; whoever asks the database meanwhile hears why it does not answer.
      }
    }
  }

  #drop(): void {
    const client = this.#client;
    this.#client = null;
    if (client === null) return;
    // A polite end waits for an answer that a dead connection never gives.
    void client.end().catch(() => undefined);
    const timer = setTimeout(() => client.connection.stream.destroy(), 1_000).unref();
    client.once('end', () => clearTimeout(timer));
  }
}
