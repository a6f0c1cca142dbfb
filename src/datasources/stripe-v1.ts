import type { CreateReportRunRequest } from '../models/create-report-run.js';
import type { JsonObject } from '../models/json.js';
import type { ObservedRun, UnreadableRun } from '../models/report-run.js';
import type { ReportTypeV1 } from '../models/report-type.js';
import type { Priority } from './admission.js';
import { describe } from './decode.js';
import { decodeReportTypeV1 } from './decode-report-type.js';
import { decodeRun, idOf } from './decode-run.js';
import type { Transport } from './transport.js';
import { contract, decoded, decodedOrNull, itemsOf, runOf, segment } from './upstream-answer.js';

export interface RunListRequest {
  /** 1 to 100; 100 unless told otherwise. */
  readonly limit?: number;
  /** Only runs after this one in the list, which is older ones. */
  readonly startingAfter?: string;
  /** Both unix ms and inclusive. Stripe counts in seconds: what lies between two of them is rounded inwards. */
  readonly createdFrom?: number;
  readonly createdUntil?: number;
}

/** Newest first; Stripe promises no order within a second. */
export interface RunList {
  readonly items: readonly (ObservedRun | UnreadableRun)[];
  readonly hasMore: boolean;
  readonly requestId: string | null;
  /** Items without even an id. */
  readonly skipped: number;
}

/** A report type, and Stripe's own answer that it was read from. */
interface ReportTypeV1Answer {
  readonly type: ReportTypeV1;
  readonly body: JsonObject;
}

/** Stripe's first report API. Every method throws UpstreamError and nothing else. */
export interface StripeV1 {
  /** The same for calls of another priority; at first it is a person's. */
  as(priority: Priority): StripeV1;
  /** `acct_…`, whose key it is. Restricted keys may not be allowed to ask. */
  accountId(): Promise<string>;
  retrieveRun(id: string): Promise<ObservedRun | UnreadableRun>;
  listRuns(request?: RunListRequest): Promise<RunList>;
  /** The same key again gives the first answer, unchanged, for 24 h: a stored success or a stored failure. */
  createRun(
    request: CreateReportRunRequest & { readonly api: 'V1' },
    idempotencyKey: string,
  ): Promise<{ readonly observed: ObservedRun | UnreadableRun; readonly requestId: string | null }>;
  retrieveReportType(id: string): Promise<ReportTypeV1Answer>;
  /** The whole catalogue; `skipped` counts the types that could not be read. */
  listReportTypes(): Promise<{
    readonly items: readonly ReportTypeV1Answer[];
    readonly skipped: number;
    readonly requestId: string | null;
  }>;
}

const RUNS = '/v1/reporting/report_runs';
const TYPES = '/v1/reporting/report_types';

export function createStripeV1(transport: Transport): StripeV1 {
  return {
    as: (priority) => createStripeV1(transport.as(priority)),

    async accountId() {
      const answer = await transport.get('/v1/account');
      const id = answer.body['id'];
      if (typeof id === 'string' && /^acct_\w{1,250}$/.test(id)) return id;
      throw contract(answer, `expected the account's id, got ${describe(id)}`);
    },

    async retrieveRun(id) {
      return runOf('V1', await transport.get(`${RUNS}/${segment(id)}`), id);
    },

    async listRuns(request = {}) {
      const answer = await transport.get(`${RUNS}?${listQuery(request)}`);
      const hasMore = answer.body['has_more'];
      if (typeof hasMore !== 'boolean') {
        throw contract(answer, `expected has_more to be true or false, got ${describe(hasMore)}`);
      }
      const data = itemsOf(answer);
      const items = data.flatMap((item) =>
        item === undefined || idOf(item) === null ? [] : [decodeRun('V1', item)],
      );
      return { items, hasMore, requestId: answer.requestId, skipped: data.length - items.length };
    },

    async createRun(request, idempotencyKey) {
      const params = { report_type: request.reportType, parameters: request.parameters };
      const answer = await transport.post(RUNS, params, idempotencyKey);
      return { observed: runOf('V1', answer, null), requestId: answer.requestId };
    },

    async retrieveReportType(id) {
      const answer = await transport.get(`${TYPES}/${segment(id)}`);
      return decoded(answer, (body) => ({ type: decodeReportTypeV1(body), body }));
    },

    async listReportTypes() {
      const answer = await transport.get(TYPES);
      const data = itemsOf(answer);
      const items = data.flatMap(
        (item) => decodedOrNull(item, (body) => ({ type: decodeReportTypeV1(body), body })) ?? [],
      );
      return { items, skipped: data.length - items.length, requestId: answer.requestId };
    },
  };
}

function listQuery(request: RunListRequest): string {
  const { limit = 100, startingAfter, createdFrom, createdUntil } = request;
  const query = [`limit=${limit}`];
  if (startingAfter !== undefined) query.push(`starting_after=${segment(startingAfter)}`);
  if (createdFrom !== undefined) query.push(`created[gte]=${Math.ceil(createdFrom / 1000)}`);
  if (createdUntil !== undefined) query.push(`created[lte]=${Math.floor(createdUntil / 1000)}`);
  return query.join('&');
}
