import type { Intent } from '../ledger/intent-rows.js';
import { toGatewayError, UpstreamError } from '../models/errors.js';
import type { StripeApi } from '../models/report-run.js';
import {
  type Hold,
  isStoredFailure,
  isWithoutEffect,
  unclearOutcome,
  unknownOutcome,
} from './create-errors.js';
import { IntentPoster, type IntentPosterOptions, type Patience } from './intent-poster.js';
import { IntentSettler, type Settled } from './intent-settler.js';
import { failurePause } from './pace.js';

/** How long, ms, a key is trusted: Stripe forgets v1's after 24 h and v2's after 30 days. */
const KEY_LIFE_MS: Readonly<Record<StripeApi, number>> = { V1: 23 * 3_600_000, V2: 29 * 86_400_000 };
export interface IntentFinisherOptions extends IntentPosterOptions {
  readonly random: () => number;
  /** Called when an intent stays to be finished later. */
  readonly onPostponed: () => void;
}

/** One go at an intent. */
interface Attempt extends Patience {
  readonly intent: Intent;
  readonly hold: Hold;
}

/** Brings what the ledger says is to be created to its end: every attempt repeats the intent's own upstream key. */
export class IntentFinisher {
  readonly #options: IntentFinisherOptions;
  readonly #poster: IntentPoster;
  readonly #settler: IntentSettler;
  /** Attempts by upstream key, which unlike the caller's key is never used for a second intent. */
  readonly #underway = new Map<string, Promise<string | null>>();

  constructor(options: IntentFinisherOptions) {
    this.#options = options;
    this.#poster = new IntentPoster(options);
    this.#settler = new IntentSettler(options);
  }

  /**
   * Brings an intent that was just begun to its end and gives the run's id. Throws the UpstreamError if there is certainly no run,
   * a GatewayError otherwise.
   */
  start(intent: Intent, slotWaitMs: number): Promise<string | null> {
    const attempt = { intent, hold: 'first', ...this.#patience(slotWaitMs) } as const;
    return this.#shared(intent.upstreamKey, () => this.#attempt(attempt));
  }

  /** The same for one that was begun before, because somebody asks for it. Null where it was settled meanwhile: begin again. */
  resume(begun: Intent, slotWaitMs: number): Promise<string | null> {
    return this.#shared(begun.upstreamKey, async () => {
      const taken = await this.#options.ledger.intents.take(begun, slotWaitMs);
      if (taken === null) return null;
      const hold = taken.isContested ? 'shared' : 'alone';
      return this.#attempt({ intent: taken.intent, hold, ...this.#patience(slotWaitMs) });
    });
  }

  /** The same for one that was claimed because it was due. */
  finish(intent: Intent): Promise<string | null> {
    const attempt = { intent, hold: 'alone', isAwaited: false, slotUntil: null } as const;
    return this.#shared(intent.upstreamKey, () => this.#attempt(attempt));
  }

  #patience(slotWaitMs: number): Patience {
    const slotUntil = slotWaitMs > 0 ? this.#options.clock.now() + slotWaitMs : null;
    return { isAwaited: true, slotUntil };
  }

  /** Whoever asks for the same one meanwhile shares the attempt. */
  #shared(upstreamKey: string, work: () => Promise<string | null>): Promise<string | null> {
    const underway = this.#underway.get(upstreamKey);
    if (underway !== undefined) return underway;
    const started = work().finally(() => this.#underway.delete(upstreamKey));
    this.#underway.set(upstreamKey, started);
    return started;
  }

  async #attempt(attempt: Attempt): Promise<string> {
    const { intent, hold } = attempt;
    const { ledger, clock } = this.#options;
    if (clock.now() - intent.keyedAt > KEY_LIFE_MS[intent.request.api])
      return this.#settle(attempt, 'Stripe has not said for too long how it went');
    try {
      return (await this.#poster.post(intent, attempt)) ?? (await this.#lost(intent));
    } catch (error) {
      if (!(error instanceof UpstreamError)) throw error;
      if (isStoredFailure(intent.request.api, error)) return this.#settle(attempt, error.message, error);
      if (!isWithoutEffect(error, hold)) return this.#postpone(intent, error.message, { error });
      if (await ledger.intents.close(intent, error.message)) throw error;
      return this.#lost(intent);
    }
  }

  async #settle(attempt: Attempt, reason: string, error: UpstreamError | null = null): Promise<string> {
    const { intent } = attempt;
    let settled: Settled;
    try {
      settled = await this.#settler.settle(intent, reason);
    } catch (failure) {
      // A refusal of the list says nothing about the run.
      if (failure instanceof UpstreamError)
        return this.#postpone(intent, failure.message, { error: failure });
      throw failure;
    }
    switch (settled.kind) {
      case 'run':
        return this.#poster.tell(intent.request.api, { ...settled, requestId: null });
      case 'again': {
        const next = { ...attempt, intent: settled.intent, hold: 'first' as const };
        return (
          (await this.#shared(settled.intent.upstreamKey, () => this.#attempt(next))) ?? this.#lost(intent)
        );
      }
      case 'later':
        return this.#postpone(intent, settled.reason, { error, due: settled.due });
      case 'unclear':
        this.#options.log.error(
          { idempotencyKey: intent.key, reason: settled.reason },
          `a create cannot be settled without an operator: npm run intents -- settle ${shellWord(intent.key)} --run <id>, or --none`,
        );
        throw unclearOutcome(intent.key, settled.reason);
      case 'lost':
        return this.#lost(intent);
      default:
        return settled satisfies never;
    }
  }

  /** Another attempt has taken the intent over, or has ended it. */
  async #lost({ key, upstreamKey }: Intent): Promise<string> {
    const now = await this.#options.ledger.intents.get(key);
    if (now?.runId && now.upstreamKey === upstreamKey) return now.runId;
    throw unknownOutcome(key, 'another attempt at it is under way');
  }

  async #postpone(
    intent: Intent,
    reason: string,
    { error = null, due = null }: { error?: UpstreamError | null; due?: number | null } = {},
  ): Promise<never> {
    const { ledger, clock, random, onPostponed } = this.#options;
    const next = due ?? clock.now() + failurePause(intent.attempt + 1, random);
    await ledger.intents.postpone(intent, next, reason);
    onPostponed();
    const { code, extensions } = error === null ? {} : toGatewayError(error);
    throw unknownOutcome(intent.key, reason, code, extensions);
  }
}

function shellWord(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`;
}
