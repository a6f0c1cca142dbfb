import type { CreateReportRunRequest } from '../models/create-report-run.js';
import { UpstreamError } from '../models/errors.js';
import type { JsonObject, JsonValue } from '../models/json.js';
import type { ObservedRun, ReportFileContentType, UnreadableRun } from '../models/report-run.js';
import type { ReportTypeV2 } from '../models/report-type.js';
import type { ReportColumn, ReportColumnType } from '../models/report-rows.js';
import type { Priority } from './admission.js';
import {
  DecodeError,
  describe,
  isArray,
  readBytes,
  readInstant,
  readObject,
  readText,
  requireText,
} from './decode.js';
import { decodeReportTypeV2 } from './decode-report-type.js';
import { decodeContentType } from './decode-run-v1.js';
import { type EventPage, type EventPageRequest, eventsPath, readEvents } from './stripe-v2-events.js';
import type { Transport } from './transport.js';
import { decoded, runOf, segment } from './upstream-answer.js';

/** Where a run's file lies for the next few minutes. Never to be kept, logged or shown, nor asked with the key. */
interface FileLink {
  readonly url: string;
  /** Unix ms; null where Stripe does not say. */
  readonly expiresAt: number | null;
  /** Bytes; null where Stripe does not say. */
  readonly size: bigint | null;
  readonly contentType: ReportFileContentType;
}

/** Stripe's second report API, which has no list of runs. Every method throws UpstreamError and nothing else. */
export interface StripeV2 {
  /** The same for calls of another priority; at first it is a person's. */
  as(priority: Priority): StripeV2;
  retrieveRun(id: string): Promise<ObservedRun | UnreadableRun>;
  /** For 30 days the same key gives the first run as it is now; a failed request is carried out again. */
  createRun(
    request: CreateReportRunRequest & { readonly api: 'V2' },
    idempotencyKey: string,
  ): Promise<{ readonly observed: ObservedRun | UnreadableRun; readonly requestId: string | null }>;
  retrieveReport(id: string): Promise<{ readonly type: ReportTypeV2; readonly body: JsonObject }>;
  /** A page of what happened to runs. Stripe lists events late and promises no order. */
  listEvents(request: EventPageRequest): Promise<EventPage>;
  /** Reads the run for a fresh link; `not_found` where it has no file. */
  downloadUrl(id: string): Promise<FileLink>;
  /** What Stripe says of the columns of the run's file; null where it says nothing of them. */
  fileColumns(id: string): Promise<readonly ReportColumn[] | null>;
}

const RUNS = '/v2/reporting/report_runs';

export function createStripeV2(transport: Transport): StripeV2 {
  return {
    as: (priority) => createStripeV2(transport.as(priority)),

    async retrieveRun(id) {
      return runOf('V2', await transport.get(`${RUNS}/${segment(id)}`), id);
    },

    async createRun(request, idempotencyKey) {
      const { report, parameters, compressFile } = request;
      const options = compressFile === null ? {} : { result_options: { compress_file: compressFile } };
      const params = { report, report_parameters: parameters, ...options };
      const answer = await transport.post(RUNS, params, idempotencyKey);
      return { observed: runOf('V2', answer, null), requestId: answer.requestId };
    },

    async retrieveReport(id) {
      const answer = await transport.get(`/v2/reporting/reports/${segment(id)}`);
      return decoded(answer, (body) => ({ type: decodeReportTypeV2(body), body }));
    },

    async listEvents(request) {
      return readEvents(await transport.get(eventsPath(request)));
    },

    async downloadUrl(id) {
      const answer = await transport.get(`${RUNS}/${segment(id)}`);
      runOf('V2', answer, id);
      const file = readObject(readObject(answer.body['result'])?.['file']);
      const link = readObject(file?.['download_url']);
      const url = readText(link?.['url']);
      if (url === null) {
        const { requestId } = answer;
        throw new UpstreamError('not_found', `Stripe has no file for the report run ${id}.`, { requestId });
      }
      return {
        url,
        expiresAt: readInstant(link?.['expires_at']),
        size: readBytes(file?.['size']),
        contentType: decodeContentType(file?.['content_type']),
      };
    },

    async fileColumns(id) {
      const answer = await transport.get(`${RUNS}/${segment(id)}?include[0]=result.file.schema`);
      runOf('V2', answer, id);
      const schema = readObject(readObject(answer.body['result'])?.['file'])?.['schema'];
      return isArray(schema) ? decoded(answer, () => schema.map(decodeColumn)) : null;
    },
  };
}

const COLUMN_TYPES: Readonly<Record<string, ReportColumnType>> = {
  boolean: 'BOOLEAN',
  double: 'DOUBLE',
  bigint: 'BIGINT',
  varchar: 'VARCHAR',
  timestamp: 'TIMESTAMP',
};

/** A word that Stripe has added since is a type that is not known. */
function decodeColumn(item: JsonValue): ReportColumn {
  const column = readObject(item);
  if (column === null) throw new DecodeError(`expected a column to be an object, got ${describe(item)}`);
  return { name: requireText(column, 'name'), type: COLUMN_TYPES[readText(column['type']) ?? ''] ?? null };
}
