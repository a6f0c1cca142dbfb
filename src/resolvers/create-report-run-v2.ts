import type { CreateReportRunRequest, UserError } from '../models/create-report-run.js';
import { hasRealDay } from '../models/calendar.js';
import { badUserInput } from '../models/errors.js';
import { apiOfReportTypeId } from '../models/ids.js';
import type { JsonObject, JsonValue } from '../models/json.js';
import type { ReportParameterDefinition, ReportType } from '../models/report-type.js';
import { quote } from './quote.js';
import { invalidInput } from './user-error.js';

export interface CreateReportRunV2Input {
  readonly report: string;
  readonly parameters?: JsonObject | null | undefined;
  readonly resultOptions?: { readonly compressFile: boolean } | null | undefined;
  readonly idempotencyKey?: string | null | undefined;
  readonly waitForSlot: number;
}

/** Seconds. */
const SLOT_WAIT_MAX = 30;

/** The seconds to wait for a run to end. Throws BAD_USER_INPUT. */
export function slotWaitOf({ waitForSlot }: CreateReportRunV2Input): number {
  if (waitForSlot >= 0 && waitForSlot <= SLOT_WAIT_MAX) return waitForSlot;
  throw badUserInput(
    `\`input.v2.waitForSlot\` must be 0 to ${SLOT_WAIT_MAX} seconds, but is ${waitForSlot}.`,
  );
}

/** Parameters go to Stripe as they came: v2 takes JSON. */
export function toV2Request({
  report,
  parameters,
  resultOptions,
}: CreateReportRunV2Input): CreateReportRunRequest {
  return {
    api: 'V2',
    report,
    parameters: parameters ?? {},
    compressFile: resultOptions?.compressFile ?? null,
  };
}

/** What the report's own definition says against it. `type` is null where there is none, undefined where that is not known. */
export function checkV2(
  input: CreateReportRunV2Input,
  type: ReportType | null | undefined,
): readonly UserError[] {
  if (apiOfReportTypeId(input.report) !== 'V2') {
    return [
      invalidInput(
        ['v2', 'report'],
        `A v2 report has an id like "report_…", but \`report\` is ${quote(input.report)}.`,
      ),
    ];
  }
  if (type === undefined) return [];
  if (type?.api !== 'V2')
    return [invalidInput(['v2', 'report'], `Stripe has no report ${quote(input.report)}.`)];
  const parameters = new Map(Object.entries(input.parameters ?? {}));
  const known = new Set(type.parameterDefinitions.map(({ name }) => name));
  return [
    ...[...parameters.keys()].flatMap((name) => checkKnown(name, known)),
    ...type.parameterDefinitions.flatMap((definition) =>
      checkParameter(definition, parameters.get(definition.name)),
    ),
    ...checkOrder(parameters.get('interval_start'), parameters.get('interval_end')),
  ];
}

function checkKnown(name: string, known: ReadonlySet<string>): readonly UserError[] {
  if (known.has(name)) return [];
  const offer = known.size === 0 ? 'it takes none' : `it takes ${[...known].join(', ')}`;
  return [problem(name, `The report has no parameter ${quote(name)}: ${offer}.`)];
}

function checkParameter(
  definition: ReportParameterDefinition,
  value: JsonValue | undefined,
): readonly UserError[] {
  const { name, required } = definition;
  if (value === undefined || value === null) {
    return required ? [problem(name, `The report needs the parameter \`${name}\`.`)] : [];
  }
  if (definition.valueType === 'timestamp') return checkTimestamp(definition, value);
  if (definition.valueType === 'array') {
    if (Array.isArray(value) && value.length > 0) return checkAllowed(definition, value);
    return [problem(name, `\`${name}\` must be a list that is not empty, but is ${quote(value)}.`)];
  }
  // Of a type that is not known here, Stripe says what it takes.
  const isText = definition.valueType === 'string' || definition.valueType === 'enum';
  if (isText && typeof value !== 'string') {
    return [problem(name, `\`${name}\` must be a string, but is ${quote(value)}.`)];
  }
  return checkAllowed(definition, [value]);
}

function checkAllowed(
  { name, allowedValues }: ReportParameterDefinition,
  values: readonly JsonValue[],
): readonly UserError[] {
  if (allowedValues === null) return [];
  const refused = values.find((value) => typeof value !== 'string' || !allowedValues.includes(value));
  if (refused === undefined) return [];
  return [problem(name, `\`${name}\` takes ${allowedValues.join(', ')}, but was given ${quote(refused)}.`)];
}

function checkOrder(start: JsonValue | undefined, end: JsonValue | undefined): readonly UserError[] {
  if (!(toTime(start) >= toTime(end))) return [];
  return [
    problem(
      'interval_end',
      `\`interval_end\` must be after \`interval_start\`, which is ${quote(start)}, but is ${quote(end)}.`,
    ),
  ];
}

/** An instant with an offset, to any fraction of a second. */
const TIMESTAMP = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(?:\.\d+)?(?:Z|[+-]\d{2}:\d{2})$/;

function checkTimestamp(
  { name, minimum, maximum }: ReportParameterDefinition,
  value: JsonValue,
): readonly UserError[] {
  const time = toTime(value);
  if (Number.isNaN(time)) {
    return [
      problem(name, `\`${name}\` must be an instant like "2026-01-31T00:00:00Z", but is ${quote(value)}.`),
    ];
  }
  if (minimum !== null && time < minimum) {
    return [problem(name, `\`${name}\` must not be before ${iso(minimum)}, but is ${quote(value)}.`)];
  }
  if (maximum !== null && time > maximum) {
    return [problem(name, `\`${name}\` must not be after ${iso(maximum)}, but is ${quote(value)}.`)];
  }
  return [];
}

/** Unix ms; NaN for what is no instant. */
function toTime(value: JsonValue | undefined): number {
  if (typeof value !== 'string' || !TIMESTAMP.test(value) || !hasRealDay(value)) return Number.NaN;
  return Date.parse(value);
}

function problem(name: string, message: string): UserError {
  return invalidInput(['v2', 'parameters', name], message);
}

function iso(time: number): string {
  return new Date(time).toISOString();
}
