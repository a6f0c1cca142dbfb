import type { Context } from '../context.js';
import type {
  CreateReportRunOutcome,
  CreateReportRunRequest,
  UserError,
} from '../models/create-report-run.js';
import { badUserInput, GatewayError, toGatewayError, UpstreamError } from '../models/errors.js';
import { apiOfReportTypeId } from '../models/ids.js';
import type { StripeApi } from '../models/report-run.js';
import type { ReportType } from '../models/report-type.js';
import { type CreateReportRunV1Input, checkV1, toV1Request } from './create-report-run-v1.js';
import { type CreateReportRunV2Input, checkV2, slotWaitOf, toV2Request } from './create-report-run-v2.js';
import { invalidInput } from './user-error.js';

export interface CreateReportRunInput {
  readonly v1?: CreateReportRunV1Input | null | undefined;
  readonly v2?: CreateReportRunV2Input | null | undefined;
}

/** Either what to POST, or everything there is to correct. */
interface Prepared {
  readonly request: CreateReportRunRequest;
  readonly userErrors: readonly UserError[];
}

/**
 * `Mutation.createReportRun`. What can be known to be wrong is said before anything is asked of Stripe; for the rest
 * Stripe decides, also where its catalogue of report types cannot be read just now.
 */
export async function createReportRun(
  _root: unknown,
  { input }: { readonly input: CreateReportRunInput },
  context: Context,
): Promise<CreateReportRunOutcome> {
  const waitForSlot = input.v2 ? slotWaitOf(input.v2) : 0;
  const idempotencyKey = (input.v1 ?? input.v2)?.idempotencyKey ?? null;
  const keyErrors = checkKey(input.v1 ? 'v1' : 'v2', idempotencyKey);
  // A repetition gets its run even if the catalogue has moved on since, or cannot be read.
  const isRepeated =
    idempotencyKey !== null && keyErrors.length === 0 && (await context.services.hasBegun(idempotencyKey));
  const { request, userErrors } = await prepare(input, context, isRepeated);
  const problems = [...keyErrors, ...userErrors];
  if (problems.length > 0) return { reportRun: null, userErrors: problems };
  return context.services.createReportRun(request, idempotencyKey, waitForSlot);
}

async function prepare(
  { v1, v2 }: CreateReportRunInput,
  context: Context,
  isRepeated: boolean,
): Promise<Prepared> {
  if (v1 && !v2) {
    const prepared = toV1Request(v1);
    const type = isRepeated ? undefined : await readCatalogue('V1', v1.reportType, context);
    return { ...prepared, userErrors: [...prepared.userErrors, ...checkV1(v1, type)] };
  }
  if (v2 && !v1) {
    const type = isRepeated ? undefined : await readCatalogue('V2', v2.report, context);
    return { request: toV2Request(v2), userErrors: checkV2(v2, type) };
  }
  throw badUserInput('`input` takes exactly one of `v1` and `v2`.');
}

/** Null where there is no such type, undefined where that cannot be found out now. */
async function readCatalogue(
  api: StripeApi,
  id: string,
  context: Context,
): Promise<ReportType | null | undefined> {
  if (apiOfReportTypeId(id) !== api) return null;
  try {
    return await context.loaders.reportType.load(id);
  } catch (error) {
    const known = error instanceof UpstreamError ? toGatewayError(error) : error;
    if (!(known instanceof GatewayError) || known.code === 'UNAUTHENTICATED' || known.code === 'FORBIDDEN') {
      throw known;
    }
    return undefined;
  }
}

function checkKey(api: 'v1' | 'v2', key: string | null): readonly UserError[] {
  if (key === null || /^[\x20-\x7e]{1,255}$/.test(key)) return [];
  return [
    invalidInput(
      [api, 'idempotencyKey'],
      `\`idempotencyKey\` must have 1 to 255 printable ASCII characters, but ${key.length === 0 ? 'is empty' : `has ${key.length} characters`}.`,
    ),
  ];
}
