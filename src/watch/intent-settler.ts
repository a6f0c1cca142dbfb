import { randomUUID } from 'node:crypto';
import type { Logger } from 'pino';
import type { StripeV1 } from '../datasources/stripe-v1.js';
import type { StripeV2 } from '../datasources/stripe-v2.js';
import type { Intent } from '../ledger/intent-rows.js';
import type { Ledger } from '../ledger/ledger.js';
import type { ObserveReport } from '../ledger/observe.js';
import type { ObservedRun, UnreadableRun } from '../models/report-run.js';
import type { Clock } from './clock.js';
import { LIST_LAG_MS } from './pace.js';
import { traceOf } from './settle.js';

/** How often a run that was found may turn out to be another intent's before the rest is left for later. */
const ROUNDS = 3;

export interface IntentSettlerOptions {
  readonly v1: StripeV1;
  readonly v2: StripeV2;
  readonly ledger: Ledger;
  readonly log: Logger;
  readonly clock: Clock;
}

/** What has become of an intent whose upstream key starts nothing any more. */
export type Settled =
  | { readonly kind: 'run'; readonly observed: ObservedRun | UnreadableRun; readonly report: ObserveReport }
  /** There is no run: it goes on under a fresh upstream key, which is written down. */
  | { readonly kind: 'again'; readonly intent: Intent }
  /** `due`: unix ms, null where a usual pause will do. */
  | { readonly kind: 'later'; readonly due: number | null; readonly reason: string }
  | { readonly kind: 'unclear'; readonly reason: string }
  /** Somebody else has settled it, or is at it. */
  | { readonly kind: 'lost' };

/** Finds out what a spent upstream key has left behind, and writes down what follows from it. */
export class IntentSettler {
  readonly #options: IntentSettlerOptions;

  constructor(options: IntentSettlerOptions) {
    this.#options = options;
  }

  /**
   * What the key has started is in the list at last when a minute has passed since it was seen to be spent. Not since the key was
   * made: the POST that had the effect may have been a late repetition. Throws the UpstreamError where Stripe cannot be asked.
   */
  async settle(intent: Intent, reason: string): Promise<Settled> {
    const { ledger, clock } = this.#options;
    const since = await ledger.intents.spend(intent);
    if (since === null) return { kind: 'lost' };
    const due = since + LIST_LAG_MS;
    return clock.now() < due ? { kind: 'later', due, reason } : this.#look(intent);
  }

  /** None, a fresh key; one, it is ours; more, an operator's case. */
  async #look(intent: Intent): Promise<Settled> {
    const { v1, v2, ledger, log, clock } = this.#options;
    const upstream = { v1: v1.as('watched'), v2: v2.as('watched') };
    for (let round = 0; round < ROUNDS; round += 1) {
      const trace = await traceOf({ ledger, ...upstream }, intent);
      switch (trace.kind) {
        case 'run': {
          // Another instance may have given the run to another intent since the trace: then what is left is looked at again.
          const adopted = await ledger.intents.adopt(intent, trace.observed);
          if (adopted.kind === 'owned') continue;
          if (adopted.kind === 'lost') return adopted;
          return { kind: 'run', observed: trace.observed, report: adopted.report };
        }
        case 'none': {
          // What is not written down must not be POSTed under: a later attempt would start another run.
          const upstreamKey = randomUUID();
          if (!(await ledger.intents.rekey(intent, upstreamKey))) return { kind: 'lost' };
          log.info({ idempotencyKey: intent.key }, 'a create goes on under a fresh upstream key');
          return { kind: 'again', intent: { ...intent, upstreamKey, keyedAt: clock.now(), spentAt: null } };
        }
        case 'early':
          return later('the same was asked for more than once, and not all has been told');
        case 'unclear':
          return (await ledger.intents.giveUp(intent, trace.reason)) ? trace : { kind: 'lost' };
        default:
          return trace satisfies never;
      }
    }
    return later('the runs that were found went to others');
  }
}

function later(reason: string): Settled {
  return { kind: 'later', due: null, reason };
}
