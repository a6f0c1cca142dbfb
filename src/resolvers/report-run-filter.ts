import { badUserInput } from '../models/errors.js';
import { apiOfReportTypeId } from '../models/ids.js';
import type { ReportRunStatus, StripeApi } from '../models/report-run.js';
import type { RunFilter } from '../models/run-page.js';
import { quote } from './quote.js';

/** `ReportRunFilter` as GraphQL hands it over; times are unix ms. */
export interface ReportRunFilterInput {
  readonly api?: StripeApi | null | undefined;
  readonly status?: readonly ReportRunStatus[] | null | undefined;
  readonly reportType?: readonly string[] | null | undefined;
  readonly createdAt?:
    | { readonly start?: number | null | undefined; readonly end?: number | null | undefined }
    | null
    | undefined;
}

const MAX_REPORT_TYPES = 100;

/** Refuses with BAD_USER_INPUT what can only be a mistake; a list that lets nothing through is one. */
export function toRunFilter(input: ReportRunFilterInput): RunFilter {
  const { api, status, reportType } = input;
  const { start, end } = input.createdAt ?? {};
  if (status?.length === 0) throw empty('status');
  if (reportType?.length === 0) throw empty('reportType');
  requireReportTypes(reportType ?? []);
  if (typeof start === 'number' && typeof end === 'number' && end <= start) {
    throw badUserInput(
      `\`filter.createdAt.end\` must be after its start ${iso(start)}, which is included, but is ${iso(end)}, which is not.`,
    );
  }
  return {
    ...(api ? { api } : {}),
    ...(status ? { status } : {}),
    ...(reportType ? { reportType } : {}),
    ...(typeof start === 'number' ? { createdFrom: start } : {}),
    ...(typeof end === 'number' ? { createdBefore: end } : {}),
  };
}

function requireReportTypes(ids: readonly string[]): void {
  if (ids.length > MAX_REPORT_TYPES) {
    throw badUserInput(`\`filter.reportType\` takes at most ${MAX_REPORT_TYPES} ids, but has ${ids.length}.`);
  }
  const malformed = ids.find((id) => apiOfReportTypeId(id) === null);
  if (malformed === undefined) return;
  throw badUserInput(
    `\`filter.reportType\` takes v1 report types such as "balance.summary.1" and v2 reports (report_…), but has ${quote(malformed)}.`,
  );
}

function empty(name: string): Error {
  return badUserInput(
    `\`filter.${name}\` is an empty list, which would let no run through: leave it out instead.`,
  );
}

function iso(time: number): string {
  return new Date(time).toISOString();
}
