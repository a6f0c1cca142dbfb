import type { Context } from '../context.js';
import { badUserInput } from '../models/errors.js';
import type { JsonObject } from '../models/json.js';
import type { ReportColumn, ReportRow } from '../models/report-rows.js';
import type { ReportFile } from '../models/report-run.js';

export interface ReportRowsArguments {
  readonly first?: number | null | undefined;
  readonly after?: string | null | undefined;
}

export interface ReportRowEdge {
  readonly cursor: string;
  readonly node: ReportRow;
}

export interface ReportRowConnection {
  readonly edges: readonly ReportRowEdge[];
  readonly pageInfo: {
    readonly hasNextPage: boolean;
    readonly hasPreviousPage: boolean;
    readonly startCursor: string | null;
    readonly endCursor: string | null;
  };
}

const DEFAULT_SIZE = 20;
const MAX_SIZE = 1_000;
/** Each can take megabytes, and a reading upstream. */
const MAX_PAGES = 20;

/** `ReportFile.rows`. */
export async function listRows(
  file: ReportFile,
  args: ReportRowsArguments,
  context: Context,
): Promise<ReportRowConnection> {
  const first = args.first ?? DEFAULT_SIZE;
  if (first < 1 || first > MAX_SIZE) {
    throw badUserInput(`\`first\` must be between 1 and ${MAX_SIZE}, but is ${first}.`);
  }
  context.rowPages += 1;
  if (context.rowPages > MAX_PAGES) {
    throw badUserInput(`\`rows\` gives at most ${MAX_PAGES} pages in one operation.`);
  }
  const page = await context.services.rows.page(file, { first, after: args.after ?? null });
  const edges = page.rows.map(({ row, cursor }) => ({ cursor, node: row }));
  return {
    edges,
    pageInfo: {
      hasNextPage: page.hasNextPage,
      hasPreviousPage: page.hasPreviousPage,
      startCursor: edges[0]?.cursor ?? null,
      endCursor: edges.at(-1)?.cursor ?? null,
    },
  };
}

/** `ReportFile.columns`. */
export function columnsOf(
  file: ReportFile,
  _args: unknown,
  context: Context,
): Promise<readonly ReportColumn[]> {
  return context.services.rows.columns(file);
}

/** `ReportFile.rowCount`. */
export async function countRows(file: ReportFile, _args: unknown, context: Context): Promise<bigint | null> {
  const count = await context.services.rows.count(file);
  return count === null ? null : BigInt(count);
}

/** `ReportRow.values`. */
export function valuesOf({ keys, cells }: ReportRow): JsonObject {
  return Object.fromEntries(keys.map((key, at) => [key, cells[at] ?? '']));
}
