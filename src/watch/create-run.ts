import { randomUUID } from 'node:crypto';
import type { Logger } from 'pino';
import type { Ledger } from '../ledger/ledger.js';
import type { CreateReportRunOutcome, CreateReportRunRequest } from '../models/create-report-run.js';
import { GatewayError, toGatewayError, UpstreamError } from '../models/errors.js';
import { idempotencyConflict, unclearOutcome, unknownOutcome, userErrorOf } from './create-errors.js';
import type { IntentFinisher } from './intent-finisher.js';
import type { RunReader } from './run-reader.js';

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

  /** `idempotencyKey` null has one made. Throws a GatewayError; where the effect is unknown it says so and names the key. */
  async create(
    request: CreateReportRunRequest,
    idempotencyKey: string | null,
  ): Promise<CreateReportRunOutcome> {
    const { ledger, reader, finisher, log, onPostponed } = this.#options;
    const key = idempotencyKey ?? randomUUID();
    const begun = await ledger.intents.begin(key, request, randomUUID);
    if (begun.kind === 'mismatch')
      return { reportRun: null, userErrors: [idempotencyConflict(request.api, key)] };
    if (begun.kind === 'unknown') throw unclearOutcome(key, begun.intent.error);
    try {
      const id =
        begun.kind === 'done' ? begun.runId : await finisher.finish(begun.intent, begun.kind === 'started');
      const [run] = begun.kind === 'done' ? await reader.read([id]) : [await this.#kept(id)];
      if (run instanceof Error) throw run;
      return { reportRun: run ?? null, userErrors: [] };
    } catch (error) {
      if (error instanceof GatewayError) throw error;
      if (error instanceof UpstreamError) {
        const userError = userErrorOf(request, error);
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

  async #kept(id: string): Promise<CreateReportRunOutcome['reportRun']> {
    const kept = (await this.#options.ledger.runs.get([id])).get(id);
    if (kept?.run) return kept.run;
    throw new GatewayError(
      'UPSTREAM_CONTRACT',
      `The run ${id} was started, but Stripe's answer for it cannot be read: ${kept?.unreadableReason}`,
    );
  }
}
