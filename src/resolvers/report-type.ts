import type { Context } from '../context.js';
import { badUserInput } from '../models/errors.js';
import { apiOfReportTypeId } from '../models/ids.js';
import type { ReportRunV1, ReportRunV2, StripeApi } from '../models/report-run.js';
import type { ReportType, ReportTypeV1, ReportTypeV2 } from '../models/report-type.js';
import { quote } from './quote.js';

/** A report type as far as its parent knows it: naming one costs nothing, the rest is read when it is asked for. */
export interface ReportTypeReference {
  readonly api: StripeApi;
  readonly id: string;
  /** Null where the name has to be read. */
  readonly name: string | null;
}

/** `ReportTypeFilter` as GraphQL hands it over. */
export interface ReportTypeFilterInput {
  readonly api?: StripeApi | null | undefined;
}

/** A v1 run carries its type's id alone, a v2 run also the report's name. */
export function reportTypeOf(run: ReportRunV1 | ReportRunV2): ReportTypeReference {
  return { api: run.api, id: run.reportTypeId, name: run.api === 'V2' ? run.reportName : null };
}

/** `Query.reportType`. Null where Stripe knows no such type. */
export async function readReportType(
  _root: unknown,
  { id }: { readonly id: string },
  context: Context,
): Promise<ReportTypeReference | null> {
  if (apiOfReportTypeId(id) === null) {
    throw badUserInput(
      `\`id\` must be a v1 report type such as "balance.summary.1" or a v2 report (report_…), but is ${quote(id)}.`,
    );
  }
  return findReportType(id, context);
}

/** Null for an id that is malformed or that Stripe does not know. */
export async function findReportType(id: string, context: Context): Promise<ReportTypeReference | null> {
  const type = await context.loaders.reportType.load(id);
  return type === null ? null : { api: type.api, id: type.id, name: type.name };
}

/** `Query.reportTypes`. */
export async function listReportTypes(
  _root: unknown,
  { filter }: { readonly filter?: ReportTypeFilterInput | null | undefined },
  context: Context,
): Promise<readonly ReportTypeReference[]> {
  const types = await context.services.reportTypes.list(filter?.api ?? null);
  for (const type of types) context.loaders.reportType.prime(type.id, type);
  return types.map(({ api, id, name }) => ({ api, id, name }));
}

/** The name, without a call where the parent knew it. Null where Stripe no longer has the type. */
export async function readReportTypeName(
  reference: ReportTypeReference,
  _args: unknown,
  context: Context,
): Promise<string | null> {
  return reference.name ?? (await load(reference, context))?.name ?? null;
}

/** A field only v1's report types have. Null where Stripe no longer has the type. */
export function readV1<Value>(pick: (type: ReportTypeV1) => Value) {
  return async (reference: ReportTypeReference, _args: unknown, context: Context): Promise<Value | null> => {
    const type = await load(reference, context);
    return type?.api === 'V1' ? pick(type) : null;
  };
}

/** A field only v2's reports have. Null where Stripe no longer has the report. */
export function readV2<Value>(pick: (type: ReportTypeV2) => Value) {
  return async (reference: ReportTypeReference, _args: unknown, context: Context): Promise<Value | null> => {
    const type = await load(reference, context);
    return type?.api === 'V2' ? pick(type) : null;
  };
}

function load(reference: ReportTypeReference, context: Context): Promise<ReportType | null> {
  return context.loaders.reportType.load(reference.id);
}
