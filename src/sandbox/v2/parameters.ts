import type { ParameterDefinition, ReportDefinition } from '../data/reports.js';
import { invalidFields } from '../errors.js';
import { isObject } from '../json.js';
import type { JsonObject, JsonValue } from '../json.js';
import { availabilityOf } from '../v1/availability.js';
import { isTimezone } from '../v1/parameters.js';

/** Versions from here on write parameters plainly; older ones wrap each value by its kind. */
const PLAIN_FROM = '2025-11-01';

/**
 * Checks what a report is run with, whichever way it is written, and gives it back plainly, with times as RFC 3339 in
 * UTC. Throws the 400 that names the field.
 */
export function checkReportParameters(report: ReportDefinition, given: JsonObject, now: number): JsonObject {
  const checked: Record<string, JsonValue> = {};
  for (const [name, wrapped] of Object.entries(given)) {
    const definition = report.parameters.find((parameter) => parameter.name === name);
    const field = `report_parameters.${name}`;
    if (definition === undefined) throw invalidFields(field, `the report has no such parameter.`);
    const value = unwrapped(wrapped ?? null);
    if (value !== null) checked[name] = checkValue(definition, value, field, now);
  }
  for (const { name, required } of report.parameters) {
    if (required && checked[name] === undefined)
      throw invalidFields(`report_parameters.${name}`, 'it is required.');
  }
  const { interval_start: start, interval_end: end } = checked;
  // Both have the same form by now, so that text compares as time does.
  if (typeof start === 'string' && typeof end === 'string' && start >= end) {
    throw invalidFields('report_parameters.interval_start', 'it must be before interval_end.');
  }
  return checked;
}

/** A run's parameters in the form of a version. */
export function writtenFor(
  version: string,
  report: ReportDefinition | null,
  parameters: JsonObject,
): JsonObject {
  if (version >= PLAIN_FROM) return parameters;
  const wrapped = Object.entries(parameters).map(([name, value]) => {
    const type = report?.parameters.find((parameter) => parameter.name === name)?.type;
    return [
      name,
      {
        array_value: Array.isArray(value) ? { items: value } : null,
        string_value: Array.isArray(value) || type === 'timestamp' ? null : value,
        timestamp_value: type === 'timestamp' ? value : null,
      },
    ];
  });
  return Object.fromEntries(wrapped);
}

function unwrapped(value: JsonValue): JsonValue {
  if (!isObject(value)) return value;
  const { array_value: array, string_value: text, timestamp_value: time } = value;
  if (isObject(array)) return array['items'] ?? null;
  return text ?? time ?? value;
}

function checkValue(
  definition: ParameterDefinition,
  value: JsonValue,
  field: string,
  now: number,
): JsonValue {
  const { type, name, values } = definition;
  if (type === 'array') {
    if (!Array.isArray(value) || value.length === 0)
      throw invalidFields(field, 'it must be an array of strings.');
    for (const item of value as readonly JsonValue[]) checkMember(item, values, field);
    return value;
  }
  if (typeof value !== 'string')
    throw invalidFields(field, `it must be a string, not ${JSON.stringify(value)}.`);
  if (type === 'timestamp') return checkTime(value, field, now);
  if (type === 'enum') checkMember(value, values, field);
  if (name === 'timezone' && !isTimezone(value))
    throw invalidFields(field, `'${value}' is no IANA timezone.`);
  if (name === 'currency' && !/^[a-z]{3}$/.test(value))
    throw invalidFields(field, `'${value}' is no currency.`);
  return value;
}

function checkMember(item: JsonValue, values: readonly string[], field: string): void {
  if (typeof item === 'string' && values.includes(item)) return;
  throw invalidFields(field, `${JSON.stringify(item)} is none of ${values.join(', ')}.`);
}

function checkTime(value: string, field: string, now: number): string {
  const at = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(\.\d+)?(Z|[+-]\d{2}:\d{2})$/.test(value)
    ? Date.parse(value)
    : Number.NaN;
  if (Number.isNaN(at)) throw invalidFields(field, `'${value}' is no RFC 3339 timestamp.`);
  const { start, end } = availabilityOf(0, now);
  if (at >= start && at <= end) return new Date(at).toISOString();
  const [min, max] = [new Date(start).toISOString(), new Date(end).toISOString()];
  throw invalidFields(field, `it must be between ${min} and ${max}, not ${value}.`);
}
