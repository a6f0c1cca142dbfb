import type { Logger } from 'pino';
import type { ObserveReport } from '../ledger/observe.js';
import type { ObservedRun, UnreadableRun } from '../models/report-run.js';
import { FRESH_MS } from './pace.js';

/** One upstream answer that showed runs. */
export interface Sighting {
  readonly items: readonly (ObservedRun | UnreadableRun)[];
  /** When it was asked for, unix ms: what it shows is at least as new. */
  readonly askedAt: number;
  readonly requestId: string | null;
}

/** When each running run was last seen, and the log of what was odd about it. */
export class Sightings {
  readonly #seen = new Map<string, number>();
  readonly #log: Logger;
  readonly #now: () => number;

  constructor(options: { log: Logger; now: () => number }) {
    this.#log = options.log;
    this.#now = options.now;
  }

  /** Notes an answer after the ledger has taken it in. */
  saw({ items, askedAt, requestId }: Sighting, report: ObserveReport): void {
    for (const item of items) {
      if ('unreadable' in item) {
        this.#log.error(
          { run: item.id, reason: item.reason, stripeRequestId: requestId },
          'a run broke its contract and is left out of lists',
        );
      } else if (item.run.status === 'RUNNING') {
        this.#seen.set(item.run.id, Math.max(askedAt, this.#seen.get(item.run.id) ?? 0));
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

  /** Unix ms; 0 if never. */
  lastSeen(id: string): number {
    return this.#seen.get(id) ?? 0;
  }

  /** Whether a running run was seen so recently that asking again would bring nothing. */
  isFresh(id: string): boolean {
    return this.#now() - this.lastSeen(id) <= FRESH_MS;
  }
}
