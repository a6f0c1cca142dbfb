import type { ReportTypeDefinition } from '../data/report-types.js';
import { invalid } from '../errors.js';
import { isObject } from '../json.js';
import type { JsonObject, JsonValue } from '../json.js';
import { outsideOf } from './availability.js';

/**
 * Checks what a report type is run with, and gives it back as the run shows it: only what was supplied, times as
 * integers. Throws the 400 that names the parameter.
 */
export function checkParameters(
  type: ReportTypeDefinition,
  given: JsonValue | undefined,
  now: number,
): JsonObject {
  if (given !== undefined && !isObject(given)) throw invalid('Invalid hash', { param: 'parameters' });
  const checked: Record<string, JsonValue> = {};
  for (const [name, value] of Object.entries(given ?? {})) {
    const param = `parameters.${name}`;
    if (!type.required.includes(name) && !type.optional.includes(name)) {
      throw invalid(`Received unknown parameter: ${param}`, { code: 'parameter_unknown', param });
    }
    if (value === undefined || value === '') continue;
    checked[name] = checkValue(type, name, value, param);
  }
  for (const name of type.required) {
    if (checked[name] !== undefined) continue;
    const param = `parameters.${name}`;
    throw invalid(`Missing required param: ${param}.`, { code: 'parameter_missing', param });
  }
  checkInterval(type, checked, now);
  return checked;
}

function checkInterval(type: ReportTypeDefinition, checked: JsonObject, now: number): void {
  const { interval_start: start, interval_end: end } = checked;
  for (const name of ['interval_start', 'interval_end'] as const) {
    const at = checked[name];
    const problem = typeof at === 'number' ? outsideOf(type, name, at * 1000, now) : null;
    if (problem !== null) throw invalid(problem, { param: `parameters.${name}` });
  }
  if (typeof start !== 'number' || typeof end !== 'number' || start < end) return;
  throw invalid('`interval_start` must be strictly before `interval_end`.', {
    param: 'parameters.interval_start',
  });
}

function checkValue(type: ReportTypeDefinition, name: string, value: JsonValue, param: string): JsonValue {
  if (name === 'columns' || name === 'connected_accounts') return checkArray(type, name, value, param);
  if (typeof value !== 'string') throw invalid('Invalid string', { param });
  if (name === 'interval_start' || name === 'interval_end') {
    // Twelve digits are the year 33658: more would not be a date.
    if (/^-?\d{1,12}$/.test(value)) return Number(value);
    throw invalid(`Invalid integer: ${value}`, { code: 'parameter_invalid_integer', param });
  }
  if (isValid(name, value)) return value;
  throw invalid(`Invalid ${name}: ${value}`, { param });
}

function checkArray(type: ReportTypeDefinition, name: string, value: JsonValue, param: string): JsonValue {
  if (!Array.isArray(value) || value.length === 0) throw invalid('Invalid array', { param });
  for (const item of value as readonly JsonValue[]) {
    const known =
      typeof item === 'string' && (name === 'columns' ? isColumn(type, item) : /^acct_\w+$/.test(item));
    if (!known)
      throw invalid(`Invalid ${name}: ${JSON.stringify(item)} is not one of ${type.id}.`, { param });
  }
  return value;
}

/** Itemized types have more columns than are known here, so any name will do for them. */
function isColumn(type: ReportTypeDefinition, column: string): boolean {
  if (type.columns.includes(column)) return true;
  return (
    !type.columnsAreAll && /^([a-z][a-z0-9_]*|(payment|refund|transfer)_metadata\[[^\]]+\])$/.test(column)
  );
}

function isValid(name: string, value: string): boolean {
  switch (name) {
    case 'timezone':
      return isTimezone(value);
    case 'currency':
      return /^[a-z]{3}$/.test(value);
    case 'reporting_category':
      return /^[a-z_]+$/.test(value);
    case 'connected_account':
      return /^acct_\w+$/.test(value);
    case 'payout':
      return /^po_\w+$/.test(value);
    case 'decimal_separator':
      return value === '.' || value === ',';
    default:
      return true;
  }
}

/** Whether it is a name of the IANA's list. */
export function isTimezone(value: string): boolean {
  try {
    return new Intl.DateTimeFormat('en', { timeZone: value }).resolvedOptions().timeZone !== '';
  } catch {
    return false;
  }
}
