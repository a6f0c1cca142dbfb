import type { CreateReportRunRequest, UserError } from '../models/create-report-run.js';
import type { UpstreamError } from '../models/errors.js';
import type { StripeApi } from '../models/report-run.js';

/** Where v1's parameters stand in the mutation's input; the others are in `other`. */
const FIELDS: Readonly<Record<string, string>> = {
  interval_start: 'intervalStart',
  interval_end: 'intervalEnd',
  columns: 'columns',
  connected_account: 'connectedAccount',
  currency: 'currency',
  payout: 'payout',
  reporting_category: 'reportingCategory',
  timezone: 'timezone',
};

/** What the caller can mend about a request that Stripe refused; null if it is nothing in the request. */
export function userErrorOf(request: CreateReportRunRequest, error: UpstreamError): UserError | null {
  const api = request.api.toLowerCase();
  const type = [api, request.api === 'V1' ? 'reportType' : 'report'];
  if (error.code === 'report_run_rate_limit_exceeded') {
    return { kind: 'ConcurrentRunLimit', message: error.message, path: null };
  }
  if (error.kind === 'not_found') {
    const isLiveOnly = /live mode key/i.test(error.message);
    return { kind: isLiveOnly ? 'LiveModeRequired' : 'InvalidInput', message: error.message, path: type };
  }
  if (error.kind !== 'invalid') return null;
  return { kind: 'InvalidInput', message: error.message, path: pathOf(request.api, error.param) };
}

/** The key was used before, for something else. */
export function idempotencyConflict(api: StripeApi, key: string): UserError {
  return {
    kind: 'IdempotencyConflict',
    message: `The idempotency key ${JSON.stringify(key)} was used for another report run; take a new key for a new run.`,
    path: [api.toLowerCase(), 'idempotencyKey'],
  };
}

/** Stripe names a parameter `parameters.interval_start` or `parameters[interval_start]`. */
function pathOf(api: StripeApi, param: string | null): string[] {
  const [first, name] = (param ?? '').split(/[.[\]]+/).filter((part) => part !== '');
  if (first === 'report_type') return ['v1', 'reportType'];
  if (first === 'report') return ['v2', 'report'];
  if (name === undefined) return [api.toLowerCase(), ...(first === undefined ? [] : ['parameters'])];
  if (api === 'V2') return ['v2', 'parameters', name];
  const field = FIELDS[name];
  return field === undefined ? ['v1', 'parameters', 'other', name] : ['v1', 'parameters', field];
}
