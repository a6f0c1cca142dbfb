import type { StripeApi } from './report-run.js';

/**
 * Stripe's ids are the graph's global ids. Their prefixes keep the kinds apart:
 * `frr_…` v1 run, `reprun_…` v2 run, `report_…` v2 report, and dotted words with a version for a v1 report type.
 */
const RUN_V1 = /^frr_[A-Za-z0-9_]{1,250}$/;
const RUN_V2 = /^reprun_[A-Za-z0-9_]{1,247}$/;
const REPORT_V2 = /^report_[A-Za-z0-9_]{1,247}$/;
const REPORT_TYPE_V1 = /^(?=.{1,255}$)[a-z][a-z0-9_]*(?:\.[a-z0-9_]+)*\.[0-9]{1,9}$/;

/** The API a run's id belongs to, or null if it is not the id of a run. */
export function apiOfRunId(id: string): StripeApi | null {
  if (RUN_V1.test(id)) return 'V1';
  return RUN_V2.test(id) ? 'V2' : null;
}

/** The API a report type's id belongs to, or null if it is not the id of a report type. */
export function apiOfReportTypeId(id: string): StripeApi | null {
  if (REPORT_V2.test(id)) return 'V2';
  return REPORT_TYPE_V1.test(id) ? 'V1' : null;
}
