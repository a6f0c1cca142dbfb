import { LRUCache } from 'lru-cache';
import type { Logger } from 'pino';
import type { ObserveReport } from '../ledger/observe.js';
import type { ObservedRun, UnreadableRun } from '../models/report-run.js';

/** Of how many odd runs it is remembered that they were logged. */
const ODD_MAX = 10_000;

/** One upstream answer that showed runs. */
export interface Sighting {
  readonly items: readonly (ObservedRun | UnreadableRun)[];
  readonly requestId: string | null;
}

/** The log of what was odd about runs. */
export class Sightings {
  /** Why runs could not be read, by id: each is logged once, not at every refresh. */
  readonly #odd = new LRUCache<string, string>({ max: ODD_MAX });
  readonly #log: Logger;

  constructor({ log }: { log: Logger }) {
    this.#log = log;
  }

  /** Notes an answer after the ledger has taken it in. */
  saw({ items, requestId }: Sighting, report: ObserveReport): void {
    for (const item of items) if ('unreadable' in item) this.#logOdd(item, requestId);
    for (const id of report.conflicts) {
      this.#log.error(
        { run: id, stripeRequestId: requestId },
        'a run that had ended was shown with another end; the first is kept',
      );
    }
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
