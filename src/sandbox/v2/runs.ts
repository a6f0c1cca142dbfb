import { findReport, reportId } from '../data/reports.js';
import type { ReportDefinition } from '../data/reports.js';
import { ApiError, invalidFields, notFound } from '../errors.js';
import type { Exchange } from '../exchange.js';
import { linkTo } from '../files/blob.js';
import { columnsOf, sizeOf } from '../files/contents.js';
import { typeOfColumn } from '../files/columns.js';
import { decodeForm } from '../form.js';
import { json } from '../http.js';
import type { Answer } from '../http.js';
import { isObject } from '../json.js';
import type { JsonObject, JsonValue } from '../json.js';
import { addRun, plannedEnd } from '../new-run.js';
import { fileTypeOf, overlaid, statusOf } from '../run.js';
import type { Run } from '../run.js';
import { checkReportParameters, writtenFor } from './parameters.js';

const ACCEPTED = ['report', 'report_parameters', 'result_options'];
/** Versions from here on write an int64 as a string. */
const STRING_SIZE_FROM = '2026-01-01';
const SCHEMA = 'result.file.schema';

export function createRunV2({ world, scope, body, idempotencyKey, requestId, now }: Exchange): Run {
  for (const name of Object.keys(body)) {
    if (!ACCEPTED.includes(name)) throw invalidFields(name, 'it is not known.');
  }
  const report = reportOf(body['report'], scope.mode);
  const given = body['report_parameters'];
  if (!isObject(given)) throw invalidFields('report_parameters', 'it is required and must be an object.');
  const parameters = checkReportParameters(report, given, now);
  const compress = compressOf(body['result_options'] ?? null);
  if (scope.runningV2(now) >= world.settings.v2ConcurrentRuns) {
    throw new ApiError(429, {
      code: 'report_run_rate_limit_exceeded',
      message:
        'API key has reached its limit of concurrently running reports. ' +
        'Wait for existing reports to complete before retrying',
      type: 'rate_limit',
    });
  }
  const type = reportId(report, scope.mode);
  const end = plannedEnd(world, 'V2', type, now);
  const wanted = {
    api: 'V2',
    type,
    parameters,
    compress,
    created: now,
    visibleAt: now,
    idempotencyKey,
    end,
  } as const;
  const run = addRun(world, scope, wanted);
  scope.tellCreated(run, requestId, world.settings, null, now);
  return run;
}

export function retrieveRunV2(exchange: Exchange): Answer {
  const run = exchange.scope.find(exchange.id);
  if (run?.api !== 'V2') throw notFound(`No such report run: '${exchange.id}'.`);
  return showRunV2(exchange, run);
}

export function showRunV2(exchange: Exchange, run: Run): Answer {
  const { caller, now } = exchange;
  const status = statusOf(run, now);
  const report = findReport(run.type, run.mode);
  const details =
    status === 'failed'
      ? { failed: { error_code: run.end?.errorCode ?? null, error_message: run.end?.error ?? null } }
      : {};
  const shown: JsonObject = {
    id: run.id,
    object: 'v2.reporting.report_run',
    created: new Date(run.created).toISOString(),
    livemode: run.mode === 'live',
    report: run.type,
    report_name: report?.name ?? run.type,
    report_parameters: writtenFor(caller.version, report, run.parameters),
    result: status === 'succeeded' ? { type: 'file', file: shownFile(exchange, run) } : null,
    result_options: { compress_file: run.compress },
    status,
    status_details: details,
  };
  return json(200, overlaid(run, shown));
}

/** With a link made for this answer: Stripe's links die in minutes, so each reading gets its own. */
function shownFile({ world, caller, call, now }: Exchange, run: Run): JsonObject {
  const size = sizeOf(run);
  const file = {
    content_type: fileTypeOf(run),
    download_url: linkTo(world, run, now),
    size: caller.version >= STRING_SIZE_FROM ? String(size) : size,
  };
  if (!wantsSchema(call.query)) return file;
  return { ...file, schema: columnsOf(run).map((name) => ({ name, type: typeOfColumn(name) })) };
}

function wantsSchema(query: string): boolean {
  const { include } = decodeForm(query);
  if (include === undefined) return false;
  for (const name of Array.isArray(include) ? (include as readonly JsonValue[]) : [include]) {
    if (name !== SCHEMA) throw invalidFields('include', `${JSON.stringify(name)} is none of ${SCHEMA}.`);
  }
  return true;
}

function reportOf(id: JsonValue | undefined, mode: Run['mode']): ReportDefinition {
  if (typeof id !== 'string' || id === '')
    throw invalidFields('report', 'it is required and must be a string.');
  const report = findReport(id, mode);
  if (report === null) throw invalidFields('report', `there is no report '${id}'.`);
  return report;
}

function compressOf(options: JsonValue): boolean | null {
  if (options === null) return false;
  if (!isObject(options)) throw invalidFields('result_options', 'it must be an object or null.');
  const compress = options['compress_file'] ?? null;
  if (typeof compress === 'boolean' || compress === null) return compress;
  throw invalidFields('result_options.compress_file', 'it must be a boolean or null.');
}
