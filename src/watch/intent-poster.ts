import type { Logger } from 'pino';
import type { Priority } from '../datasources/admission.js';
import type { StripeV1 } from '../datasources/stripe-v1.js';
import type { StripeV2 } from '../datasources/stripe-v2.js';
import type { Intent } from '../ledger/intent-rows.js';
import type { Ledger } from '../ledger/ledger.js';
import type { ObserveReport } from '../ledger/observe.js';
import { UpstreamError } from '../models/errors.js';
import { idOfItem, type ObservedRun, type StripeApi, type UnreadableRun } from '../models/report-run.js';
import type { Clock } from './clock.js';
import type { RunReader } from './run-reader.js';
import type { Sightings } from './sightings.js';
import type { Slots } from './slots.js';

/** The pauses, ms, before the POST of somebody who waits is repeated because it met another one under its key. */
const BUSY_PAUSES_MS: readonly number[] = [250, 500, 1_000, 2_000, 2_000];

export interface IntentPosterOptions {
  readonly v1: StripeV1;
  readonly v2: StripeV2;
  readonly ledger: Ledger;
  readonly reader: RunReader;
  readonly sightings: Sightings;
  readonly log: Logger;
  readonly clock: Clock;
  readonly slots: Slots;
  /** Called when a run was created, so that its feed looks at it soon. */
  readonly onCreated: (api: StripeApi) => void;
}

/** A run that was created or found, as the ledger has taken it in. */
interface Written {
  readonly observed: ObservedRun | UnreadableRun;
  readonly report: ObserveReport;
  readonly requestId: string | null;
}

/** How long somebody who wants a run waits for it. */
export interface Patience {
  /** Whether somebody waits for the answer. */
  readonly isAwaited: boolean;
  /** How long, unix ms, to wait where Stripe runs too many of v2's reports; null: not at all. */
  readonly slotUntil: number | null;
}

/** POSTs what intents ask for, and writes down what came of it. */
export class IntentPoster {
  readonly #options: IntentPosterOptions;

  constructor(options: IntentPosterOptions) {
    this.#options = options;
  }

  /**
   * Gives the run's id, or null where another attempt has taken the intent over. Who waits for the answer also waits while Stripe is
   * at another request under the key, for some seconds, and for a slot, as long as it was told to. Throws UpstreamError.
   */
  post(intent: Intent, { isAwaited, slotUntil }: Patience): Promise<string | null> {
    if (slotUntil === null) return this.#post(intent, isAwaited);
    const { ledger, slots } = this.#options;
    return slots.through(slotUntil, async (hasWaited) => {
      // Meanwhile another attempt may have taken the intent over.
      if (hasWaited && !(await ledger.intents.renew(intent))) return null;
      return this.#post(intent, isAwaited);
    });
  }

  async #post(intent: Intent, isAwaited: boolean): Promise<string | null> {
    const { ledger, clock } = this.#options;
    for (let busy = 0; ; busy += 1) {
      try {
        return await this.#postOnce(intent, isAwaited ? 'person' : 'watched');
      } catch (error) {
        const pause = isAwaited ? BUSY_PAUSES_MS[busy] : undefined;
        if (!(error instanceof UpstreamError) || error.kind !== 'conflict' || pause === undefined)
          throw error;
        await clock.wait(pause);
        // The other request's instance may have written its run down, or a later attempt may be under way.
        if (!(await ledger.intents.renew(intent))) return null;
      }
    }
  }

  async #postOnce(intent: Intent, priority: Priority): Promise<string> {
    const { v1, v2, ledger, log, clock } = this.#options;
    const { key, request, upstreamKey } = intent;
    const askedAt = clock.now();
    const { observed, requestId } =
      request.api === 'V1'
        ? await v1.as(priority).createRun(request, upstreamKey)
        : await v2.as(priority).createRun(request, upstreamKey);
    const { applied, report } = await ledger.intents.finish(intent, observed, askedAt);
    if (!applied) {
      const run = idOfItem(observed);
      log.error({ idempotencyKey: key, run }, 'a create ended too late: its key has gone on to another run');
    }
    return this.tell(request.api, { observed, report, requestId });
  }

  /** Tells the others of a run that was written down, and gives its id. */
  tell(api: StripeApi, { observed, report, requestId }: Written): string {
    const { reader, sightings, onCreated } = this.#options;
    const id = idOfItem(observed);
    sightings.saw({ items: [observed], requestId }, report);
    reader.forgetMissing(id);
    onCreated(api);
    return id;
  }
}
