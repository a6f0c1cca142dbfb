import { createHmac } from 'node:crypto';
import type { JsonObject } from '../json.js';
import type { Random } from '../random.js';
import type { Mode } from '../run.js';
import type { Settings } from '../settings.js';
import { DeliveryLog } from './delivery-log.js';
import type { Destination } from './destination.js';

/** Something to be told to the destinations that asked for its type. */
export interface Happening {
  readonly account: string;
  readonly mode: Mode;
  readonly type: string;
  /** The id of the event, and of what it is about. */
  readonly event: string;
  readonly object: string;
  readonly body: JsonObject;
}

/** An event on its way to a destination. */
interface Delivery {
  readonly destination: Destination;
  readonly happening: Happening;
  readonly text: string;
  /** 1 for the first. */
  readonly attempt: number;
  /** Unix ms. */
  readonly due: number;
}

/** How long a destination may take to answer, ms. */
const ANSWER_MS = 10_000;

/** Posts events to destinations, signed as Stripe signs them, again and again until they are answered with 2xx. */
export class Webhooks {
  readonly log = new DeliveryLog();
  readonly #now: () => number;
  readonly #random: Random;
  readonly #settings: () => Settings;
  readonly #destinations = new Map<string, Destination>();
  #queue: Delivery[] = [];
  #underWay = 0;
  readonly #closing = new AbortController();

  constructor(options: { now: () => number; random: Random; settings: () => Settings }) {
    this.#now = options.now;
    this.#random = options.random;
    this.#settings = options.settings;
  }

  add(destination: Destination): void {
    this.#destinations.set(destination.id, destination);
  }

  /** Ends a destination, with all that is on its way to it. Whether there was one. */
  remove(id: string): boolean {
    this.#queue = this.#queue.filter(({ destination }) => destination.id !== id);
    return this.#destinations.delete(id);
  }

  find(id: string): Destination | null {
    return this.#destinations.get(id) ?? null;
  }

  list(): readonly Destination[] {
    return [...this.#destinations.values()];
  }

  /** How many deliveries are waiting for their time or for an answer. */
  pending(): number {
    return this.#queue.length + this.#underWay;
  }

  /** Whether any destination wants events of the type. */
  isWanted(account: string, mode: Mode, type: string): boolean {
    return this.#wanting(account, mode, type).length > 0;
  }

  /** Sends an event on its way to whoever wants it. */
  tell(happening: Happening): void {
    for (const destination of this.#wanting(happening.account, happening.mode, happening.type)) {
      this.tellOne(destination, happening);
    }
  }

  /** Sends an event on its way to one destination, whatever it wants: as late, as often and as surely as the settings say. */
  tellOne(destination: Destination, happening: Happening): void {
    const { webhookDelayMs, webhookShuffleMs, webhookCopies, webhookDrop } = this.#settings();
    const text = JSON.stringify(happening.body);
    for (let copy = 0; copy < webhookCopies; copy++) {
      const due = this.#now() + webhookDelayMs + this.#random() * webhookShuffleMs;
      const delivery: Delivery = { destination, happening, text, attempt: 1, due };
      if (this.#random() < webhookDrop) this.#logged(delivery, null, null);
      else this.#queue.push(delivery);
    }
    this.pump();
  }

  /** Posts what is due. To be called now and then: nothing here has a timer of its own, so that the clock may be a test's. */
  pump(): void {
    if (this.#queue.length === 0) return;
    const now = this.#now();
    const due = this.#queue.filter((delivery) => delivery.due <= now);
    if (due.length === 0) return;
    this.#queue = this.#queue.filter((delivery) => delivery.due > now);
    for (const delivery of due.sort((a, b) => a.due - b.due)) void this.#deliver(delivery);
  }

  /** Breaks off what is under way. */
  close(): void {
    this.#queue = [];
    this.#destinations.clear();
    this.#closing.abort();
  }

  #wanting(account: string, mode: Mode, type: string): Destination[] {
    return this.list().filter(
      (destination) =>
        destination.account === account && destination.mode === mode && destination.events.includes(type),
    );
  }

  /** Never rejects. */
  async #deliver(delivery: Delivery): Promise<void> {
    this.#underWay += 1;
    const began = performance.now();
    const status = await this.#post(delivery);
    this.#underWay -= 1;
    if (this.#closing.signal.aborted) return;
    this.#logged(delivery, status, status === 0 ? null : performance.now() - began);
    const { webhookRetries, webhookRetryMs } = this.#settings();
    const { attempt, destination } = delivery;
    if (status >= 200 && status <= 299) return;
    if (attempt > webhookRetries || !this.#destinations.has(destination.id)) return;
    const due = this.#now() + webhookRetryMs * 2 ** (attempt - 1);
    this.#queue.push({ ...delivery, attempt: attempt + 1, due });
  }

  /** The status of the answer; 0 where none came. Redirects are not followed. */
  async #post({ destination, text }: Delivery): Promise<number> {
    try {
      const answer = await fetch(destination.url, {
        method: 'POST',
        redirect: 'manual',
        headers: {
          'content-type': 'application/json; charset=utf-8',
          'user-agent': 'Stripe/1.0 (+https://stripe.com/docs/webhooks)',
          'stripe-signature': signature(text, destination.secret, this.#now()),
        },
        body: text,
        signal: AbortSignal.any([this.#closing.signal, AbortSignal.timeout(ANSWER_MS)]),
      });
      await answer.arrayBuffer();
      return answer.status;
    } catch {
      return 0;
    }
  }

  #logged({ destination, happening, attempt }: Delivery, status: number | null, ms: number | null): void {
    const { event, type, object } = happening;
    const at = this.#now();
    this.log.add({ webhook: destination.id, event, type, object, attempt, at, status, ms });
  }
}

/** As Stripe signs: over the second and the body, so that neither can be changed. */
function signature(text: string, secret: string, now: number): string {
  const second = Math.floor(now / 1000);
  const mac = createHmac('sha256', secret).update(`${second}.${text}`).digest('hex');
  return `t=${second},v1=${mac}`;
}
