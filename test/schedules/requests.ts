import type { CreateReportRunRequest } from '../../src/models/create-report-run.js';
import type { StripeApi } from '../../src/models/report-run.js';

const KEYLESS_START = Date.UTC(2025, 10, 1);
const DAY = 86_400_000;

/** Requests under a key begin on a day of their own, so that it can be told which run is whose; those without are all alike. */
export function requestFor(api: StripeApi, number: number | null): CreateReportRunRequest {
  const start = KEYLESS_START + (number === null ? 0 : number + 1) * DAY;
  const end = Date.UTC(2025, 11, 1);
  if (api === 'V1') {
    const parameters = { interval_start: start / 1_000, interval_end: end / 1_000 };
    return { api, reportType: 'balance.summary.1', parameters };
  }
  const iso = (at: number): string => new Date(at).toISOString();
  const parameters = { interval_start: iso(start), interval_end: iso(end) };
  return { api, report: 'report_test_balance_summary', parameters, compressFile: null };
}

/** The number of the key under which a run was asked for; null where there was none. */
export function numberOf(start: unknown): number | null {
  const at = typeof start === 'string' && start.includes('T') ? Date.parse(start) : Number(start) * 1_000;
  return at === KEYLESS_START ? null : (at - KEYLESS_START) / DAY - 1;
}
