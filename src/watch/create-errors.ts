import type { CreateReportRunRequest, UserError } from '../models/create-report-run.js';
import { GatewayError, type UpstreamError } from '../models/errors.js';
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
  if (error.kind === 'not_found') {
    const isLiveOnly = /live mode key/i.test(error.message);
    const type = [api, request.api === 'V1' ? 'reportType' : 'report'];
    const path = error.param === null ? type : pathOf(request.api, error.param);
    return { kind: isLiveOnly ? 'LiveModeRequired' : 'InvalidInput', message: error.message, path };
  }
  if (error.kind !== 'invalid') return null;
  const param = error.param ?? paramNamedIn(error.message);
  return { kind: 'InvalidInput', message: error.message, path: pathOf(request.api, param) };
}

/** v2 runs so many reports of a key at a time and no more (Stripe docs, reports v2 API). */
export function isNoSlot(error: UpstreamError): boolean {
  return error.code === 'report_run_rate_limit_exceeded';
}

/** The key was used before, for something else. */
export function idempotencyConflict(api: StripeApi, key: string): UserError {
  return {
    kind: 'IdempotencyConflict',
    message: `The idempotency key ${JSON.stringify(key)} was used for another report run; take a new key for a new run.`,
    path: [api.toLowerCase(), 'idempotencyKey'],
  };
}

/** v1 stores the first answer under a key, a 5xx too, and replays it for 24 h (Stripe docs, API v2 overview). */
export function isStoredFailure(api: StripeApi, error: UpstreamError): boolean {
  return api === 'V1' && error.replayed && (error.status ?? 0) >= 500;
}

/**
 * What may have happened to an intent besides an attempt. first: nothing, so that no earlier attempt can have had an effect. alone:
 * earlier attempts, but none of them is under way any more. shared: another attempt may be under way.
 */
export type Hold = 'first' | 'alone' | 'shared';

/**
 * Whether there is certainly no run. A refusal of the request itself says so for every attempt under the key, since a first
 * success would have been replayed; one of the caller (429, 401, 403) or of the key only for this attempt. That there is no slot is
 * found when a run is about to be made, so it says that there is none under the key, unless another attempt may make it yet.
 */
export function isWithoutEffect(error: UpstreamError, hold: Hold): boolean {
  if (error.effect !== 'none') return false;
  const isOfRequest = error.kind === 'invalid' || error.kind === 'not_found';
  if (hold === 'first' || (hold === 'alone' && isNoSlot(error))) return true;
  return isOfRequest && error.code !== 'idempotency_error';
}

/** A POST whose effect is not known; repeating it with the key is safe and brings the run. */
export function unknownOutcome(
  key: string,
  reason: string,
  code: GatewayError['code'] = 'UPSTREAM_UNAVAILABLE',
  extensions: GatewayError['extensions'] = {},
): GatewayError {
  return new GatewayError(
    code,
    `It is not known yet whether the run was started: ${sentence(reason)} Repeat the mutation with the idempotency key ${JSON.stringify(key)} to get it; no second run will be started.`,
    { ...extensions, outcome: 'UNKNOWN', idempotencyKey: key },
  );
}

/** A POST whose effect the gateway cannot find out any more. Repeating it brings the same answer. */
export function unclearOutcome(key: string, reason: string | null): GatewayError {
  return new GatewayError(
    'UPSTREAM_UNAVAILABLE',
    `It cannot be found out whether the run was started: ${sentence(reason ?? 'no attempt has told')} Nothing more is started under the idempotency key ${JSON.stringify(key)}; look for the run in the list.`,
    { outcome: 'UNKNOWN', idempotencyKey: key },
  );
}

/** Reasons come as sentences of Stripe's and as parts of our own. */
function sentence(text: string): string {
  return /[.!?…]$/.test(text) ? text : `${text}.`;
}

/** v2 gives no `param`, but may name the field in its message. */
function paramNamedIn(message: string): string | null {
  return /\breport_parameters\.\w+/.exec(message)?.[0] ?? null;
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
