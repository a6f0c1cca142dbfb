import { REPORT_TYPES } from '../data/report-types.js';
import type { ReportTypeDefinition } from '../data/report-types.js';
import { ApiError, missing } from '../errors.js';
import type { Exchange } from '../exchange.js';
import { decodeForm } from '../form.js';
import { json } from '../http.js';
import type { Answer } from '../http.js';
import type { JsonObject } from '../json.js';
import type { Mode } from '../run.js';
import { availabilityOf } from './availability.js';
import { refuseUnknown } from './known.js';

const PATH = '/v1/reporting/report_types';

/** A report type a key of this mode may use. Throws the 404 for one that does not exist, or exists for live data only. */
export function reportTypeFor(id: string, mode: Mode, param: string): ReportTypeDefinition {
  const type = REPORT_TYPES.get(id);
  if (type === undefined) throw missing('report type', id, param);
  if (!type.liveOnly || mode === 'live') return type;
  throw new ApiError(404, {
    message: 'This report type is only available for live data and requires a live mode key.',
    type: 'invalid_request_error',
  });
}

export function retrieveReportType({ id, call, caller, now }: Exchange): Answer {
  refuseUnknown(decodeForm(call.query));
  return json(200, shownReportType(reportTypeFor(id, caller.mode, 'report_type'), caller.mode, now));
}

/** All of them: this list has no pages. */
export function listReportTypes({ call, caller, now }: Exchange): Answer {
  refuseUnknown(decodeForm(call.query));
  const types = [...REPORT_TYPES.values()].filter((type) => !type.liveOnly || caller.mode === 'live');
  const data = types.map((type) => shownReportType(type, caller.mode, now));
  return json(200, { object: 'list', url: PATH, has_more: false, data });
}

export function shownReportType(type: ReportTypeDefinition, mode: Mode, now: number): JsonObject {
  const { start, end } = availabilityOf(type.lagHours, now);
  return {
    id: type.id,
    object: 'reporting.report_type',
    data_available_end: end / 1000,
    data_available_start: start / 1000,
    default_columns: type.optional.includes('columns') ? type.columns : null,
    livemode: mode === 'live',
    name: type.name,
    updated: availabilityOf(0, now).end / 1000,
    version: type.version,
  };
}
