import { randomUUID } from 'node:crypto';
import type { Logger } from 'pino';
import type { StripeV1 } from '../datasources/stripe-v1.js';
import type { StripeV2 } from '../datasources/stripe-v2.js';
import type { Intent } from '../ledger/intents.js';
import type { Ledger } from '../ledger/ledger.js';
import type { CreateReportRunOutcome, CreateReportRunRequest } from '../models/create-report-run.js';
import { GatewayError, toGatewayError, UpstreamError } from '../models/errors.js';
import type { ObservedRun, StripeApi, UnreadableRun } from '../models/report-run.js';
import { idempotencyConflict, userErrorOf } from './create-errors.js';
import { failurePause, LIST_LAG_MS } from './pace.js';
import type { RunReader } from './run-reader.js';
import { findTwins } from './settle.js';
import type { Sightings } from './sightings.js';

/** How long, ms, a key is trusted: Stripe forgets v1's after 24 h and v2's after 30 days. */
const KEY_LIFE_MS: Readonly<Record<StripeApi, number>> = { V1: 23 * 3_600_000, V2: 29 * 86_400_000 };

export interface CreateRunOptions {
  readonly v1: StripeV1;
  readonly v2: StripeV2;
  readonly ledger: Ledger;
  readonly reader: RunReader;
  readonly sightings: Sightings;
  readonly log: Logger;
  readonly now: () => number;
  readonly random: () => number;
  /** Called when a run was created, so that its feed looks at it soon. */
  readonly onCreated: (api: StripeApi) => void;
  /** Called when an intent stays to be finished later. */
  readonly onPostponed: () => void;
}

/**
 * Starts runs so that each idempotency key gives one run, whatever dies on the way: the intent is in the ledger before the POST,
 * and every attempt at it repeats the same upstream key.
 */
export class CreateRun {
  readonly #options: CreateRunOptions;
  readonly #underway = new Map<string, Promise<string>>();

  constructor(options: CreateRunOptions) {
    this.#options = options;
  }

  /** `idempotencyKey` null has one made. Throws a GatewayError; where the effect is unknown it says so and names the key. */
  async create(
    request: CreateReportRunRequest,
    idempotencyKey: string | null,
  ): Promise<CreateReportRunOutcome> {
    const key = idempotencyKey ?? randomUUID();
    const begun = await this.#options.ledger.intents.begin(key, request, () => randomUUID());
    if (begun.kind === 'mismatch')
      return { reportRun: null, userErrors: [idempotencyConflict(request.api, key)] };
    if (begun.kind === 'unknown')
      throw unknownOutcome(key, begun.intent.error ?? 'nobody can tell whether there is a run', {});
    try {
      const id =
        begun.kind === 'done' ? begun.runId : await this.finish(begun.intent, begun.kind === 'started');
      const [run] = begun.kind === 'done' ? await this.#options.reader.read([id]) : [await this.#kept(id)];
      if (run instanceof Error) throw run;
      return { reportRun: run ?? null, userErrors: [] };
    } catch (error) {
      const userError = error instanceof UpstreamError ? userErrorOf(request, error) : null;
      if (userError !== null) return { reportRun: null, userErrors: [userError] };
      throw error instanceof UpstreamError ? toGatewayError(error) : error;
    }
  }

  /**
   * Brings an intent to its end and gives the run's id. `isFirst`: no earlier attempt can have had an effect. Whoever asks for
   * the same key meanwhile shares the attempt. Throws the UpstreamError if there is certainly no run, a GatewayError otherwise.
   */
  finish(intent: Intent, isFirst: boolean): Promise<string> {
    const underway = this.#underway.get(intent.key);
    if (underway !== undefined) return underway;
    const work = this.#attempt(intent, isFirst).finally(() => this.#underway.delete(intent.key));
    this.#underway.set(intent.key, work);
    return work;
  }

  async #attempt(intent: Intent, isFirst: boolean): Promise<string> {
    const { now } = this.#options;
    try {
      if (now() - intent.keyedAt > KEY_LIFE_MS[intent.request.api]) return await this.#settle(intent);
      return await this.#post(intent);
    } catch (error) {
      if (!(error instanceof UpstreamError)) throw error;
      if (isStoredFailure(intent, error)) return this.#settleLater(intent, error);
      if (isWithoutEffect(error, isFirst)) {
        await this.#options.ledger.intents.close(intent.key, error.message);
        throw error;
      }
      return this.#postpone(intent, error);
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
    intent: Intent,
    observed: ObservedRun | UnreadableRun,
    answer: { readonly askedAt: number; readonly requestId: string | null },
  ): Promise<string> {
    const { ledger, reader, sightings, onCreated } = this.#options;
    const { report } = await ledger.intents.finish(intent.key, observed);
    const id = 'unreadable' in observed ? observed.id : observed.run.id;
    sightings.saw({ items: [observed], ...answer }, report);
    reader.forgetMissing(id);
    onCreated(intent.request.api);
    return id;
  }

  /** A stored failure is all the old key will ever give; whether there is a run is for the list to say, once it can be trusted. */
  #settleLater(intent: Intent, error: UpstreamError): Promise<string> {
    const { now } = this.#options;
    return now() - intent.keyedAt < LIST_LAG_MS ? this.#postpone(intent, error) : this.#settle(intent);
  }

  /** Looks for the run that a lost answer may have left behind: none, a fresh key; one, it is ours; more, an operator's case. */
  async #settle(intent: Intent): Promise<string> {
    const { ledger, log, now } = this.#options;
    if (intent.request.api === 'V2') return this.#giveUp(intent, 'Stripe has forgotten the idempotency key');
    const askedAt = now();
    const twins = await findTwins(this.#options, intent);
    if (twins.length > 1)
      return this.#giveUp(intent, `${twins.length} runs could be the one that was asked for`);
    const [twin] = twins;
    if (twin !== undefined) return this.#done(intent, twin, { askedAt, requestId: null });
    const upstreamKey = randomUUID();
    await ledger.intents.rekey(intent.key, upstreamKey);
    log.info({ idempotencyKey: intent.key }, 'an intent goes on under a fresh upstream key');
    return this.#attempt({ ...intent, upstreamKey, keyedAt: now() }, true);
  }

  async #postpone(intent: Intent, error: UpstreamError): Promise<never> {
    const { ledger, now, random, onPostponed } = this.#options;
    await ledger.intents.postpone(
      intent.key,
      now() + failurePause(intent.attempt + 1, random),
      error.message,
    );
    onPostponed();
    const { code, extensions } = toGatewayError(error);
    throw unknownOutcome(intent.key, error.message, extensions, code);
  }

  async #giveUp(intent: Intent, reason: string): Promise<never> {
    await this.#options.ledger.intents.giveUp(intent.key, reason);
    this.#options.log.error(
      { idempotencyKey: intent.key, reason },
      'an intent cannot be settled without an operator',
    );
    throw unknownOutcome(intent.key, reason, {});
  }

  async #kept(id: string): Promise<CreateReportRunOutcome['reportRun']> {
    const kept = (await this.#options.ledger.runs.get([id])).get(id);
    if (kept?.run) return kept.run;
    throw new GatewayError(
      'UPSTREAM_CONTRACT',
      `The run ${id} was started, but Stripe's answer for it cannot be read: ${kept?.unreadableReason}`,
    );
  }
}

/** v1 stores the first answer under a key, a 5xx too, and replays it for 24 h (Stripe docs, API v2 overview). */
function isStoredFailure(intent: Intent, error: UpstreamError): boolean {
  return intent.request.api === 'V1' && error.replayed && (error.status ?? 0) >= 500;
}

/**
 * Whether there is certainly no run. A refusal of the request itself says so for every attempt under the key, since a first
 * success would have been replayed; one of the caller (429, 401, 403) only for this attempt.
 */
function isWithoutEffect(error: UpstreamError, isFirst: boolean): boolean {
  if (error.effect !== 'none') return false;
  return isFirst || error.kind === 'invalid' || error.kind === 'not_found';
}

function unknownOutcome(
  key: string,
  reason: string,
  extensions: GatewayError['extensions'],
  code: GatewayError['code'] = 'UPSTREAM_UNAVAILABLE',
): GatewayError {
  return new GatewayError(
    code,
    `It is not known yet whether the run was started: ${reason}. Repeat the mutation with the idempotency key ${JSON.stringify(key)} to get it; no second run will be started.`,
    { ...extensions, outcome: 'UNKNOWN', idempotencyKey: key },
  );
}
