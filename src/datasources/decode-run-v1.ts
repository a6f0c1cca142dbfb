import type { JsonObject, JsonValue } from '../models/json.js';
import type {
  ReportFile,
  ReportFileContentType,
  ReportRunResult,
  ReportRunV1,
  ReportRunV1Parameters,
} from '../models/report-run.js';
import {
  decodeStatus,
  readBytes,
  readInstant,
  readObject,
  readText,
  readTexts,
  requireFlag,
  requireInstant,
  requireText,
  requireWord,
} from './decode.js';
import { shownText } from './scrub.js';

/** A `reporting.report_run` as a model. Throws DecodeError where an answer lacks what every run must have. */
export function decodeRunV1(body: JsonObject): ReportRunV1 {
  requireWord(body, 'object', 'reporting.report_run');
  const id = requireText(body, 'id');
  const status = decodeStatus(body['status'], 'pending');
  const succeededAt = status === 'SUCCEEDED' ? readInstant(body['succeeded_at']) : null;
  return {
    api: 'V1',
    id,
    livemode: requireFlag(body, 'livemode'),
    status,
    createdAt: requireInstant(body, 'created'),
    // A failed v1 run says nowhere when it failed.
    finishedAt: succeededAt,
    succeededAt,
    reportTypeId: requireText(body, 'report_type'),
    parameters: decodeParameters(readObject(body['parameters']) ?? {}),
    result: status === 'SUCCEEDED' ? decodeResult(id, body['result']) : null,
    failure:
      status === 'FAILED'
        ? { code: null, message: shownText(body['error']) ?? 'The run failed; Stripe gave no reason.' }
        : null,
  };
}

function decodeParameters(raw: JsonObject): ReportRunV1Parameters {
  return {
    intervalStart: readInstant(raw['interval_start']),
    intervalEnd: readInstant(raw['interval_end']),
    columns: readTexts(raw['columns']),
    connectedAccount: readText(raw['connected_account']),
    currency: readText(raw['currency']),
    payout: readText(raw['payout']),
    reportingCategory: readText(raw['reporting_category']),
    timezone: readText(raw['timezone']),
    raw,
  };
}

function decodeResult(runId: string, result: JsonValue | undefined): ReportRunResult | null {
  if (result === null || result === undefined) return null;
  const file = readObject(result);
  return { type: 'FILE', file: file === null ? null : decodeFile(runId, file) };
}

/** Null where the file could not be downloaded, for want of an id, or not described, for want of a size. */
function decodeFile(runId: string, file: JsonObject): ReportFile | null {
  const fileId = readText(file['id']);
  const size = readBytes(file['size']);
  if (fileId === null || size === null) return null;
  return {
    runId,
    contentType: decodeContentType(file['type']),
    size,
    filename: readText(file['filename']),
    fileId,
    title: readText(file['title']),
    createdAt: readInstant(file['created']),
    expiresAt: readInstant(file['expires_at']),
  };
}

/** The word is the same in both APIs: `csv` or `zip`. */
export function decodeContentType(word: JsonValue | undefined): ReportFileContentType {
  if (word === 'csv') return 'CSV';
  return word === 'zip' ? 'ZIP' : 'OTHER';
}
