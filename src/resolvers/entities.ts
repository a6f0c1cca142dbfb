import type { Context } from '../context.js';
import { badUserInput } from '../models/errors.js';
import { apiOfReportTypeId, apiOfRunId } from '../models/ids.js';
import { isJsonObject } from '../models/json.js';
import type { ReportRun, ReportRunV1, ReportRunV2, StripeApi } from '../models/report-run.js';
import { quote } from './quote.js';
import { findReportType, type ReportTypeReference } from './report-type.js';

/** What a router sends to have an object's fields: `{ __typename, id }`. */
export interface EntityReference {
  /** Whatever came: a router sends what its own clients gave it. */
  readonly id: unknown;
}

const MAX_REPRESENTATIONS = 100;

/** Refuses, before anything is read, what a router would never send. */
export function requireRepresentations(
  representations: readonly unknown[],
  typeNames: ReadonlySet<string>,
): void {
  if (representations.length > MAX_REPRESENTATIONS) {
    throw badUserInput(
      `\`representations\` takes at most ${MAX_REPRESENTATIONS} of them, but has ${representations.length}.`,
    );
  }
  for (const reference of representations) {
    const typeName = isJsonObject(reference) ? reference['__typename'] : undefined;
    if (typeof typeName === 'string' && typeNames.has(typeName)) continue;
    throw badUserInput(
      `Each of \`representations\` needs a \`__typename\` of ${[...typeNames].join(', ')}, but one has ${quote(typeName)}.`,
    );
  }
}

/**
 * The run a reference stands for, or null if its id is malformed, of another type or unknown.
 * It is a copy, because @apollo/subgraph writes `__typename` on it and loaders share what they return.
 */
export async function resolveRun({ id }: EntityReference, context: Context): Promise<ReportRun | null> {
  if (typeof id !== 'string' || apiOfRunId(id) === null) return null;
  const run = await context.loaders.reportRun.load(id);
  return run === null ? null : { ...run };
}

export async function resolveRunV1({ id }: EntityReference, context: Context): Promise<ReportRunV1 | null> {
  const run = typeof id === 'string' && apiOfRunId(id) === 'V1' ? await resolveRun({ id }, context) : null;
  return run?.api === 'V1' ? run : null;
}

export async function resolveRunV2({ id }: EntityReference, context: Context): Promise<ReportRunV2 | null> {
  const run = typeof id === 'string' && apiOfRunId(id) === 'V2' ? await resolveRun({ id }, context) : null;
  return run?.api === 'V2' ? run : null;
}

/** Like `resolveRun`, for report types: of one API, or of either where `api` is null. */
export function resolveReportType(api: StripeApi | null) {
  return async ({ id }: EntityReference, context: Context): Promise<ReportTypeReference | null> => {
    const found = typeof id === 'string' ? apiOfReportTypeId(id) : null;
    if (typeof id !== 'string' || found === null || (api !== null && found !== api)) return null;
    return findReportType(id, context);
  };
}
