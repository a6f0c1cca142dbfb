import type { CreateReportRunRequest, UserError } from '../models/create-report-run.js';
import { apiOfReportTypeId } from '../models/ids.js';
import type { JsonObject, JsonValue } from '../models/json.js';
import type { ReportType } from '../models/report-type.js';
import { quote } from './quote.js';
import { invalidInput } from './user-error.js';

export interface CreateReportRunV1Input {
  readonly reportType: string;
  readonly parameters?: ReportRunV1ParametersInput | null | undefined;
  readonly idempotencyKey?: string | null | undefined;
}

/** Times are unix ms. */
interface ReportRunV1ParametersInput {
  readonly intervalStart?: number | null | undefined;
  readonly intervalEnd?: number | null | undefined;
  readonly columns?: readonly string[] | null | undefined;
  readonly connectedAccount?: string | null | undefined;
  readonly currency?: string | null | undefined;
  readonly payout?: string | null | undefined;
  readonly reportingCategory?: string | null | undefined;
  readonly timezone?: string | null | undefined;
  readonly other?: JsonObject | null | undefined;
}

/** Stripe's word for each field; times are sent in seconds, the rest as it is. */
const TIMES = { intervalStart: 'interval_start', intervalEnd: 'interval_end' } as const;
const VALUES = {
  columns: 'columns',
  connectedAccount: 'connected_account',
  currency: 'currency',
  payout: 'payout',
  reportingCategory: 'reporting_category',
  timezone: 'timezone',
} as const;
const TIME_FIELDS = ['intervalStart', 'intervalEnd'] as const;
const VALUE_FIELDS = [
  'columns',
  'connectedAccount',
  'currency',
  'payout',
  'reportingCategory',
  'timezone',
] as const;

/** The request in Stripe's words, and what is wrong with it whatever Stripe's catalogue says. */
export function toV1Request(input: CreateReportRunV1Input): {
  readonly request: CreateReportRunRequest;
  readonly userErrors: readonly UserError[];
} {
  const parameters = input.parameters ?? {};
  const sent: Record<string, JsonValue> = { ...parameters.other };
  for (const field of TIME_FIELDS) {
    const time = parameters[field];
    if (typeof time === 'number') sent[TIMES[field]] = Math.floor(time / 1000);
  }
  for (const field of VALUE_FIELDS) {
    const value = parameters[field];
    if (value !== undefined && value !== null) sent[VALUES[field]] = value;
  }
  return {
    request: { api: 'V1', reportType: input.reportType, parameters: sent },
    userErrors: [
      ...TIME_FIELDS.flatMap((field) => checkWholeSeconds(field, parameters[field])),
      ...checkOrder(parameters),
      ...VALUE_FIELDS.flatMap((field) => checkNotEmpty(field, parameters[field])),
      ...Object.entries(parameters.other ?? {}).flatMap(([name, value]) => checkOther(name, value)),
    ],
  };
}

/**
 * What Stripe's catalogue says against it. A `type` that is not in it is left to Stripe, which tells the ones that do not exist
 * from those that exist for live data only.
 */
export function checkV1(
  input: CreateReportRunV1Input,
  type: ReportType | null | undefined,
): readonly UserError[] {
  if (apiOfReportTypeId(input.reportType) !== 'V1') {
    return [
      invalidInput(
        ['v1', 'reportType'],
        `A v1 report type is named like "balance.summary.1", but \`reportType\` is ${quote(input.reportType)}.`,
      ),
    ];
  }
  if (type?.api !== 'V1') return [];
  const { columns } = input.parameters ?? {};
  return [
    ...TIME_FIELDS.flatMap((field) => checkAvailable(field, input.parameters?.[field], type)),
    ...(columns && type.defaultColumns === null
      ? [invalidInput(at('columns'), `Columns cannot be chosen for ${type.id}: leave \`columns\` out.`)]
      : []),
  ];
}

function checkAvailable(
  field: string,
  time: number | null | undefined,
  { id, dataAvailableStart, dataAvailableEnd }: ReportType & { readonly api: 'V1' },
): readonly UserError[] {
  if (typeof time !== 'number' || (time >= dataAvailableStart && time <= dataAvailableEnd)) return [];
  return [
    invalidInput(
      at(field),
      `Data for ${id} is available from ${iso(dataAvailableStart)} to ${iso(dataAvailableEnd)}, but \`${field}\` is ${iso(time)}.`,
    ),
  ];
}

function checkWholeSeconds(field: string, time: number | null | undefined): readonly UserError[] {
  if (typeof time !== 'number' || time % 1000 === 0) return [];
  return [invalidInput(at(field), `Stripe takes whole seconds in v1, but \`${field}\` is ${iso(time)}.`)];
}

function checkOrder({ intervalStart, intervalEnd }: ReportRunV1ParametersInput): readonly UserError[] {
  if (typeof intervalStart !== 'number' || typeof intervalEnd !== 'number' || intervalStart < intervalEnd) {
    return [];
  }
  return [
    invalidInput(
      at('intervalEnd'),
      `\`intervalEnd\` must be after \`intervalStart\`, which is ${iso(intervalStart)}, but is ${iso(intervalEnd)}.`,
    ),
  ];
}

/** Form encoding cannot carry an empty list, and an empty string means something else to Stripe than to its sender. */
function checkNotEmpty(
  field: string,
  value: string | readonly string[] | null | undefined,
): readonly UserError[] {
  return value?.length === 0 || (Array.isArray(value) && value.includes(''))
    ? [invalidInput(at(field), `\`${field}\` is empty: leave it out instead.`)]
    : [];
}

function checkOther(name: string, value: JsonValue): readonly UserError[] {
  const path = at('other', name);
  if (!/^[a-z][a-z0-9_]{0,99}$/.test(name)) {
    return [
      invalidInput(
        path,
        `Stripe's parameters are named like "decimal_separator", but one is ${quote(name)}.`,
      ),
    ];
  }
  const typed = [...TIME_FIELDS, ...VALUE_FIELDS].find((field) => ({ ...TIMES, ...VALUES })[field] === name);
  if (typed !== undefined) {
    return [invalidInput(path, `\`${name}\` has a field of its own: give it as \`${typed}\`.`)];
  }
  const values: readonly unknown[] = Array.isArray(value) ? value : [value];
  if (!values.every(isScalar)) {
    const expected = 'a string, a number, a boolean or a list of these';
    return [invalidInput(path, `\`${name}\` must be ${expected}, but is ${quote(value)}.`)];
  }
  return values.length === 0 || values.includes('')
    ? [invalidInput(path, `\`${name}\` is empty: leave it out instead.`)]
    : [];
}

function isScalar(value: unknown): boolean {
  return typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean';
}

function at(...path: readonly string[]): readonly string[] {
  return ['v1', 'parameters', ...path];
}

function iso(time: number): string {
  return new Date(time).toISOString();
}
