import type { JsonObject, JsonValue } from '../models/json.js';
import type {
  ReportFile,
  ReportRunFailure,
  ReportRunParameters,
  ReportRunResult,
  ReportRunResultOptions,
  ReportRunV2,
} from '../models/report-run.js';
import {
  decodeStatus,
  readBytes,
  readInstant,
  readObject,
  readText,
  requireFlag,
  requireInstant,
  requireText,
  requireWord,
} from './decode.js';
import { shownText } from './scrub.js';
import { decodeContentType } from './decode-run-v1.js';

/** A `v2.reporting.report_run` as a model. Throws DecodeError where an answer lacks what every run must have. */
export function decodeRunV2(body: JsonObject): ReportRunV2 {
  requireWord(body, 'object', 'v2.reporting.report_run');
  const id = requireText(body, 'id');
  const status = decodeStatus(body['status'], 'running');
  const report = requireText(body, 'report');
  return {
    api: 'V2',
    id,
    livemode: requireFlag(body, 'livemode'),
    status,
    createdAt: requireInstant(body, 'created'),
    // v2 says nowhere in the run when it ended; its events do.
    finishedAt: null,
    reportTypeId: report,
    reportName: readText(body['report_name']) ?? report,
    parameters: decodeParameters(readObject(body['report_parameters']) ?? {}),
    resultOptions: decodeResultOptions(readObject(body['result_options'])),
    result: status === 'SUCCEEDED' ? decodeResult(id, readObject(body['result'])) : null,
    failure: status === 'FAILED' ? decodeFailure(readObject(body['status_details']) ?? {}) : null,
  };
}

function decodeParameters(parameters: JsonObject): ReportRunParameters {
  const raw = Object.fromEntries(Object.entries(parameters).map(([name, value]) => [name, unwrap(value)]));
  return {
    intervalStart: readInstant(raw['interval_start']),
    intervalEnd: readInstant(raw['interval_end']),
    raw,
  };
}

const WRAPPERS = ['array_value', 'timestamp_value', 'string_value'] as const;

/** Versions of 2025 wrap each value by its type; later ones, and other values, are plain. */
function unwrap(value: JsonValue): JsonValue {
  const wrapped = readObject(value);
  const keys: readonly string[] = wrapped === null ? [] : Object.keys(wrapped);
  if (wrapped === null || keys.length === 0) return value;
  if (!keys.every((key) => WRAPPERS.some((wrapper) => wrapper === key))) return value;
  const inner = WRAPPERS.map((wrapper) => wrapped[wrapper]).find(
    (item) => item !== undefined && item !== null,
  );
  return readObject(inner)?.['items'] ?? inner ?? null;
}

function decodeResultOptions(options: JsonObject | null): ReportRunResultOptions | null {
  if (options === null) return null;
  const compressFile = options['compress_file'];
  return { compressFile: typeof compressFile === 'boolean' ? compressFile : null };
}

function decodeResult(runId: string, result: JsonObject | null): ReportRunResult | null {
  if (result === null) return null;
  const file = readObject(result['file']);
  return {
    type: result['type'] === 'file' ? 'FILE' : 'OTHER',
    file: file === null ? null : decodeFile(runId, file),
  };
}

/** Null where the file has no size that can be read. */
function decodeFile(runId: string, file: JsonObject): ReportFile | null {
  const size = readBytes(file['size']);
  if (size === null) return null;
  return {
    runId,
    contentType: decodeContentType(file['content_type']),
    size,
    filename: null,
    fileId: null,
    title: null,
    createdAt: null,
    expiresAt: null,
  };
}

/** `status_details` is a map keyed by the state. */
function decodeFailure(details: JsonObject): ReportRunFailure {
  const failed = readObject(details['failed']) ?? {};
  const code = readText(failed['error_code']);
  const message = shownText(failed['error_message']);
  if (message !== null) return { code, message };
  return { code, message: `The run failed; Stripe gave no reason${code === null ? '' : ` beyond ${code}`}.` };
}
