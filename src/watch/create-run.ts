import { randomUUID } from 'node:crypto';
import type { Logger } from 'pino';
import type { Intent } from '../ledger/intent-rows.js';
import type { Ledger } from '../ledger/ledger.js';
import type {
  CreateReportRunOutcome,
  CreateReportRunRequest,
  UserError,
} from '../models/create-report-run.js';
import type { ReportRun } from '../models/report-run.js';
import { GatewayError, toGatewayError, UpstreamError } from '../models/errors.js';
import {
  idempotencyConflict,
  isNoSlot,
  unclearOutcome,
  unknownOutcome,
  userErrorOf,
} from './create-errors.js';
import type { IntentFinisher } from './intent-finisher.js';
import type { RunReader } from './run-reader.js';

/** How often a key that another instance frees in between is begun again. */
const ROUNDS = 3;

export interface CreateRunOptions {
  readonly ledger: Ledger;
  readonly reader: RunReader;
  readonly finisher: IntentFinisher;
  readonly log: Logger;
  /** Called when an intent stays to be finished later. */
  readonly onPostponed: () => void;
}

/** Starts runs so that each idempotency key gives one run, whatever dies on the way: the intent is in the ledger before the POST. */
export class CreateRun {
  readonly #options: CreateRunOptions;

  constructor(options: CreateRunOptions) {
    this.#options = options;
  }

  /**
   * `idempotencyKey` null has one made; `slotWaitMs` is how long to wait for a run to end where v2 runs too many at a time. Throws a
   * GatewayError; where the effect is unknown it says so and names the key.
   */
  async create(
    request: CreateReportRunRequest,
    idempotencyKey: string | null,
    slotWaitMs = 0,
  ): Promise<CreateReportRunOutcome> {
    const key = idempotencyKey ?? randomUUID();
    for (let round = 0; round < ROUNDS; round += 1) {
      const outcome = await this.#try(request, key, slotWaitMs);
      if (outcome !== null) return outcome;
    }
    throw unknownOutcome(key, 'other requests under the same key keep coming in between');
  }

  /** Null where another instance has ended the intent meanwhile, so that it is to be begun again. */
  async #try(
    request: CreateReportRunRequest,
    key: string,
    slotWaitMs: number,
  ): Promise<CreateReportRunOutcome | null> {
    const begun = await this.#options.ledger.intents.begin(key, request, randomUUID, slotWaitMs);
    switch (begun.kind) {
      case 'mismatch':
        return { reportRun: null, userErrors: [idempotencyConflict(request.api, key)] };
      case 'unknown':
        throw unclearOutcome(key, begun.intent.error);
      case 'done':
        return { reportRun: await this.#asItIs(begun.runId), userErrors: [] };
      case 'started':
      case 'pending':
        return this.#finish(begun, slotWaitMs);
      default:
        return begun satisfies never;
    }
  }

  async #finish(
    { kind, intent }: { readonly kind: 'started' | 'pending'; readonly intent: Intent },
    slotWaitMs: number,
  ): Promise<CreateReportRunOutcome | null> {
    const { finisher, log, onPostponed } = this.#options;
    const { key, request } = intent;
    try {
      const id = await (kind === 'started'
        ? finisher.start(intent, slotWaitMs)
        : finisher.resume(intent, slotWaitMs));
      return id === null ? null : { reportRun: await this.#kept(id), userErrors: [] };
    } catch (error) {
      if (error instanceof GatewayError) throw error;
      if (error instanceof UpstreamError) {
        const userError = isNoSlot(error) ? await this.#noSlot(error) : userErrorOf(request, error);
        if (userError === null) throw toGatewayError(error);
        return { reportRun: null, userErrors: [userError] };
      }
      log.error({ idempotencyKey: key, err: error }, 'the ledger failed while a run was being created');
      onPostponed();
      throw unknownOutcome(key, 'the gateway could not write down how it went', 'INTERNAL_SERVER_ERROR');
    }
  }

  /** Whether a run was begun under this key, and not refused. */
  async hasBegun(idempotencyKey: string): Promise<boolean> {
    const intent = await this.#options.ledger.intents.get(idempotencyKey);
    return intent !== null && intent.state !== 'closed';
  }

  async #noSlot({ message }: UpstreamError): Promise<UserError> {
    const { ledger, reader } = this.#options;
    // What was known to be running may have ended.
    await reader.refresh((await ledger.runs.running('V2')).map(({ id }) => id));
    const runsInProgress = (await ledger.runs.running('V2')).length;
    return { kind: 'ConcurrentRunLimit', message, path: null, runsInProgress };
  }

  /** A run that was just created is answered as Stripe accepted it. */
  async #kept(id: string): Promise<ReportRun> {
    const kept = (await this.#options.ledger.runs.get([id])).get(id);
    if (kept?.run) return kept.run;
    // An event may have told of the run before it was read.
    if (kept?.unreadableReason == null) return this.#asItIs(id);
    throw new GatewayError(
      'UPSTREAM_CONTRACT',
      `The run ${id} was started, but Stripe's answer for it cannot be read: ${kept.unreadableReason}`,
    );
  }

  async #asItIs(id: string): Promise<ReportRun> {
    const [run] = await this.#options.reader.read([id]);
    if (run instanceof Error) throw run;
    if (run) return run;
    throw new GatewayError(
      'UPSTREAM_UNAVAILABLE',
      `The run ${id} was started, but Stripe does not show it yet.`,
    );
  }
}
