import type { Logger } from 'pino';
import type { ObserveReport } from '../ledger/observe.js';
import type { ObservedRun, UnreadableRun } from '../models/report-run.js';
import { FRESH_MS } from './pace.js';
import type { Clock } from './clock.js';

/** One upstream answer that showed runs. */
export interface Sighting {
  readonly items: readonly (ObservedRun | UnreadableRun)[];
  /** When it was asked for, unix ms: what it shows is at least as new. */
  readonly askedAt: number;
  readonly requestId: string | null;
}

/** When each running run was last looked at, and the log of what was odd about runs. */
export class Sightings {
  readonly #seen = new Map<string, number>();
  /** Why runs could not be read, by id: each is logged once, not at every refresh. */
  readonly #odd = new Map<string, string>();
  readonly #log: Logger;
  readonly #clock: Clock;

  constructor(options: { log: Logger; clock: Clock }) {
    this.#log = options.log;
    this.#clock = options.clock;
  }

  /** Notes an answer after the ledger has taken it in. */
  saw({ items, askedAt, requestId }: Sighting, report: ObserveReport): void {
    for (const item of items) {
      if ('unreadable' in item) {
        this.looked(item.id, askedAt);
        this.#logOdd(item, requestId);
      } else if (item.run.status === 'RUNNING') {
        this.looked(item.run.id, askedAt);
      } else {
        this.#seen.delete(item.run.id);
      }
    }
    for (const id of report.conflicts) {
      this.#log.error(
        { run: id, stripeRequestId: requestId },
        'a run that had ended was shown with another end; the first is kept',
      );
    }
  }

  /** Notes a look that may have shown nothing: it would show no more if it were repeated at once. */
  looked(id: string, askedAt: number): void {
    this.#seen.set(id, Math.max(askedAt, this.lastSeen(id)));
  }

  /** Unix ms; 0 if never. */
  lastSeen(id: string): number {
    return this.#seen.get(id) ?? 0;
  }

  /** Whether a running run was seen so recently that asking again would bring nothing. */
  isFresh(id: string): boolean {
    return this.#clock.now() - this.lastSeen(id) <= FRESH_MS;
  }

  #logOdd({ id, reason, requestId }: UnreadableRun, pageRequestId: string | null): void {
    if (this.#odd.get(id) === reason) return;
    this.#odd.set(id, reason);
    this.#log.error(
      { run: id, reason, stripeRequestId: requestId ?? pageRequestId },
      'a run broke its contract and is left out of lists',
    );
  }
}
