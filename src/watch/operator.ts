import type { Logger } from 'pino';
import type { StripeV1 } from '../datasources/stripe-v1.js';
import type { StripeV2 } from '../datasources/stripe-v2.js';
import type { Intent } from '../ledger/intent-rows.js';
import type { Ledger } from '../ledger/ledger.js';
import type { CreateReportRunRequest } from '../models/create-report-run.js';
import { badUserInput, toGatewayError, UpstreamError } from '../models/errors.js';
import { apiOfRunId } from '../models/ids.js';
import type { JsonValue } from '../models/json.js';
import type { OpenCreate } from '../models/open-create.js';
import type { ObservedRun, ReportRun, UnreadableRun } from '../models/report-run.js';
import { CLOCK_SKEW_MS, sameText } from './settle.js';

/** How many intents a list shows. */
const LIST_MAX = 1_000;

export interface OperatorOptions {
  readonly v1: StripeV1;
  readonly v2: StripeV2;
  readonly ledger: Ledger;
  readonly log: Logger;
}

/** What an operator does about creates whose outcome the gateway cannot find out. Errors are sentences for the operator. */
export class Operator {
  readonly #options: OperatorOptions;

  constructor(options: OperatorOptions) {
    this.#options = options;
  }

  /** The creates that are not settled, the oldest first. */
  async openCreates(): Promise<readonly OpenCreate[]> {
    const intents = await this.#options.ledger.intents.list(['unknown', 'pending'], LIST_MAX);
    return intents.map(shown);
  }

  /**
   * Says what became of an unknown create: it started this run, which must be one it can have asked for and that no other create has;
   * or, with null, none, which frees its key. Throws a GatewayError, BAD_USER_INPUT where the operator can mend it.
   */
  async settle(key: string, runId: string | null): Promise<string> {
    const { ledger, log } = this.#options;
    const intent = await ledger.intents.get(key);
    checkState(key, intent);
    if (runId === null) {
      if (!(await ledger.intents.dismiss(key, 'an operator said that there is no run'))) throw overtaken(key);
      log.info({ idempotencyKey: key }, 'an operator said that a create started no run');
      return `The create ${quoted(key)} is closed. Its key is free: the next mutation with it starts a run.`;
    }
    const observed = await this.#read(intent, runId);
    const adopted = await ledger.intents.adopt(intent, observed);
    if (adopted.kind === 'lost') throw overtaken(key);
    if (adopted.kind === 'owned')
      throw badUserInput(`The run ${runId} belongs to another create, ${quoted(adopted.by)}.`);
    log.info({ idempotencyKey: key, run: runId }, 'an operator said which run a create started');
    return `The create ${quoted(key)} has its run, ${runId}. Repeating the mutation with the key gives it.`;
  }

  async #read({ key, request, createdAt }: Intent, runId: string): Promise<ObservedRun> {
    const { v1, v2 } = this.#options;
    const api = apiOfRunId(runId);
    if (api === null)
      throw badUserInput(`A run has an id like frr_… or reprun_…, but ${quoted(runId)} is none.`);
    if (api !== request.api)
      throw badUserInput(
        `${runId} is a run of ${api.toLowerCase()}, but the create ${quoted(key)} asked for one of ${request.api.toLowerCase()}.`,
      );
    const observed = await (api === 'V1' ? v1 : v2).retrieveRun(runId).catch((error: unknown): never => {
      if (!(error instanceof UpstreamError)) throw error;
      if (error.kind === 'not_found') throw badUserInput(`Stripe knows no run ${runId}.`);
      throw toGatewayError(error);
    });
    const misfit = misfitOf(request, createdAt, observed);
    if ('unreadable' in observed || misfit !== null)
      throw badUserInput(`The run ${runId} cannot be that of the create ${quoted(key)}: ${misfit}.`);
    return observed;
  }
}

function checkState(key: string, intent: Intent | null): asserts intent is Intent {
  if (intent === null)
    throw badUserInput(
      `There is no create with the key ${quoted(key)}. List the open ones with: npm run intents`,
    );
  switch (intent.state) {
    case 'unknown':
      return;
    case 'done':
      throw badUserInput(`The create ${quoted(key)} is settled: its run is ${intent.runId}.`);
    case 'closed':
      throw badUserInput(`The create ${quoted(key)} is settled: there is no run, and its key is free.`);
    case 'pending':
      throw badUserInput(
        `The create ${quoted(key)} is still being finished by the gateway; only an unknown one is settled by hand.`,
      );
    default:
      intent.state satisfies never;
  }
}

/** Why a run cannot be the one that was asked for; null if it can. */
function misfitOf(
  request: CreateReportRunRequest,
  askedAt: number,
  observed: ObservedRun | UnreadableRun,
): string | null {
  if ('unreadable' in observed) return `Stripe's answer for it cannot be read (${observed.reason})`;
  const { run } = observed;
  const type = reportTypeOf(request);
  if (run.reportTypeId !== type) return `it is a run of ${run.reportTypeId}, and ${type} was asked for`;
  if (run.createdAt < askedAt - CLOCK_SKEW_MS)
    return `it was created at ${new Date(run.createdAt).toISOString()}, before it was asked for`;
  for (const [name, value] of Object.entries(request.parameters)) {
    const had = parameterOf(run, name);
    if (had === null || comparable(had) !== comparable(value))
      return `its ${name} is ${JSON.stringify(had)}, and ${JSON.stringify(value)} was asked for`;
  }
  return null;
}

function parameterOf({ parameters }: ReportRun, name: string): JsonValue {
  return parameters.raw[name] ?? null;
}

/** Stripe may write an instant in another way than it was given. */
function comparable(value: JsonValue): string {
  const isInstant = typeof value === 'string' && /^\d{4}-\d\d-\d\dT[\d:.]+(?:Z|[+-]\d\d:\d\d)$/.test(value);
  return isInstant ? String(Date.parse(value)) : sameText(value);
}

function reportTypeOf(request: CreateReportRunRequest): string {
  return request.api === 'V1' ? request.reportType : request.report;
}

function shown({ key, state, request, createdAt, attempt, due, error }: Intent): OpenCreate {
  const isPending = state === 'pending';
  return {
    key,
    state: isPending ? 'pending' : 'unknown',
    api: request.api,
    reportType: reportTypeOf(request),
    createdAt,
    attempt,
    due: isPending ? due : null,
    error,
  };
}

function overtaken(key: string): Error {
  return badUserInput(`The create ${quoted(key)} has been settled meanwhile, or its key begun anew.`);
}

function quoted(text: string): string {
  return JSON.stringify(text);
}
