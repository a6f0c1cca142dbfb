import { randomUUID } from 'node:crypto';
import type { Logger } from 'pino';
import type { StripeV1 } from '../datasources/stripe-v1.js';
import type { StripeV2 } from '../datasources/stripe-v2.js';
import type { Intent } from '../ledger/intents.js';
import type { Ledger } from '../ledger/ledger.js';
import { toGatewayError, UpstreamError } from '../models/errors.js';
import { idOfItem, type ObservedRun, type StripeApi, type UnreadableRun } from '../models/report-run.js';
import { isStoredFailure, isWithoutEffect, unclearOutcome, unknownOutcome } from './create-errors.js';
import { failurePause, LIST_LAG_MS } from './pace.js';
import type { RunReader } from './run-reader.js';
import { traceOf } from './settle.js';
import type { Sightings } from './sightings.js';

/** How long, ms, a key is trusted: Stripe forgets v1's after 24 h and v2's after 30 days. */
const KEY_LIFE_MS: Readonly<Record<StripeApi, number>> = { V1: 23 * 3_600_000, V2: 29 * 86_400_000 };

export interface IntentFinisherOptions {
  readonly v1: StripeV1;
  readonly v2: StripeV2;
  readonly ledger: Ledger;
  readonly reader: RunReader;
  readonly sightings: Sightings;
  readonly log: Logger;
  readonly now: () => number;
  readonly random: () => number;
  readonly wait: (ms: number) => Promise<unknown>;
  /** Called when a run was created, so that its feed looks at it soon. */
  readonly onCreated: (api: StripeApi) => void;
  /** Called when an intent stays to be finished later. */
  readonly onPostponed: () => void;
}

/** Brings what the ledger says is to be created to its end: every attempt repeats the intent's own upstream key. */
export class IntentFinisher {
  readonly #options: IntentFinisherOptions;
  /** Attempts by upstream key, which unlike the caller's key is never used for a second intent. */
  readonly #underway = new Map<string, Promise<string>>();
  /** Open intents, and since when (unix ms) it is known that their upstream key starts nothing any more. */
  readonly #spent = new Map<string, number>();
  /** Ends when the intent that is being settled has been. */
  #settled: Promise<unknown> = Promise.resolve();

  constructor(options: IntentFinisherOptions) {
    this.#options = options;
  }

  /**
   * Brings an intent to its end and gives the run's id. `isFirst`: no earlier attempt can have had an effect. Whoever asks for
   * the same key meanwhile shares the attempt. Throws the UpstreamError if there is certainly no run, a GatewayError otherwise.
   */
  finish(intent: Intent, isFirst: boolean): Promise<string> {
    return this.#shared(intent.upstreamKey, () => this.#attempt(intent, isFirst));
  }

  #shared(upstreamKey: string, work: () => Promise<string>): Promise<string> {
    const underway = this.#underway.get(upstreamKey);
    if (underway !== undefined) return underway;
    const started = work().finally(() => this.#underway.delete(upstreamKey));
    this.#underway.set(upstreamKey, started);
    return started;
  }

  async #attempt(intent: Intent, isFirst: boolean): Promise<string> {
    if (this.#options.now() - intent.keyedAt > KEY_LIFE_MS[intent.request.api])
      return this.#settleLater(intent, 'Stripe has not said for too long how it went');
    try {
      return await this.#post(intent);
    } catch (error) {
      if (!(error instanceof UpstreamError)) throw error;
      if (isStoredFailure(intent.request.api, error)) return this.#settleLater(intent, error.message, error);
      if (!isWithoutEffect(error, isFirst)) return this.#postpone(intent, error.message, { error });
      await this.#options.ledger.intents.close(intent.key, error.message);
      throw error;
    }
  }

  async #post(intent: Intent): Promise<string> {
    const { v1, v2, now } = this.#options;
    const { request, upstreamKey } = intent;
    const askedAt = now();
    const answer =
      request.api === 'V1'
        ? await v1.createRun(request, upstreamKey)
        : await v2.createRun(request, upstreamKey);
    return this.#done(intent, answer.observed, { askedAt, requestId: answer.requestId });
  }

  async #done(
    { key, request }: Intent,
    observed: ObservedRun | UnreadableRun,
    answer: { readonly askedAt: number; readonly requestId: string | null },
  ): Promise<string> {
    const { ledger, reader, sightings, onCreated } = this.#options;
    const { report } = await ledger.intents.finish(key, observed);
    this.#spent.delete(key);
    const id = idOfItem(observed);
    sightings.saw({ items: [observed], ...answer }, report);
    reader.forgetMissing(id);
    onCreated(request.api);
    return id;
  }

  /**
   * The key starts nothing any more; what it has started is in the list at last when a minute has passed since that was seen.
   * Not since the key was made: the POST that had the effect may have been a late repetition.
   */
  #settleLater(intent: Intent, reason: string, error: UpstreamError | null = null): Promise<string> {
    const { now } = this.#options;
    const since = this.#spent.get(intent.key) ?? now();
    this.#spent.set(intent.key, since);
    const due = since + LIST_LAG_MS;
    return now() < due ? this.#postpone(intent, reason, { error, due }) : this.#settle(intent);
  }

  /** Looks for the run that a lost answer may have left behind: none, a fresh key; one, it is ours; more, an operator's case. */
  async #settle(intent: Intent): Promise<string> {
    const turn = this.#settled.then(() => this.#look(intent));
    this.#settled = turn.catch(() => {});
    const found = await turn;
    if (typeof found === 'string') return found;
    return this.#shared(found.upstreamKey, async () => {
      // What is not written down must not be POSTed under: a later attempt would start another run.
      if (!(await this.#options.ledger.intents.rekey(intent.key, found.upstreamKey)))
        throw unknownOutcome(intent.key, 'it was settled elsewhere meanwhile');
      this.#spent.delete(intent.key);
      return this.#attempt(found, true);
    });
  }

  /** The run's id, or the intent under a fresh key. */
  async #look(intent: Intent): Promise<string | Intent> {
    const { now, log } = this.#options;
    const askedAt = now();
    try {
      const isSpent = (key: string): boolean => this.#spent.has(key);
      const trace = await traceOf({ ...this.#options, isSpent }, intent);
      switch (trace.kind) {
        case 'run':
          return await this.#done(intent, trace.observed, { askedAt, requestId: null });
        case 'none':
          log.info({ idempotencyKey: intent.key }, 'a create goes on under a fresh upstream key');
          return { ...intent, upstreamKey: randomUUID(), keyedAt: now() };
        case 'early':
          return await this.#postpone(
            intent,
            'the same was asked for more than once, and not all has been told',
          );
        case 'unclear':
          return await this.#giveUp(intent, trace.reason);
        default:
          return trace satisfies never;
      }
    } catch (error) {
      // A refusal of the list says nothing about the run.
      if (error instanceof UpstreamError) return this.#postpone(intent, error.message, { error });
      throw error;
    }
  }

  async #postpone(
    intent: Intent,
    reason: string,
    { error = null, due }: { error?: UpstreamError | null; due?: number } = {},
  ): Promise<never> {
    const { ledger, now, random, onPostponed } = this.#options;
    const next = due ?? now() + failurePause(intent.attempt + 1, random);
    await ledger.intents.postpone(intent.key, next, reason);
    onPostponed();
    const { code, extensions } = error === null ? {} : toGatewayError(error);
    throw unknownOutcome(intent.key, reason, code, extensions);
  }

  async #giveUp({ key }: Intent, reason: string): Promise<never> {
    const { ledger, log } = this.#options;
    await ledger.intents.giveUp(key, reason);
    this.#spent.delete(key);
    log.error({ idempotencyKey: key, reason }, 'a create cannot be settled without an operator');
    throw unclearOutcome(key, reason);
  }
}
