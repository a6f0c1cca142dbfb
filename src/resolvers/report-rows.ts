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
/** Of cells and of the keys beside them, in one operation. An answer is in memory as a whole. */
const MAX_CHARACTERS = 16_000_000;

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
  const page = await context.services.rows.page(file, { first, after: args.after ?? null }, context.gone);
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
  return context.services.rows.columns(file, context.gone);
}

/** `ReportFile.rowCount`. */
export async function countRows(file: ReportFile, _args: unknown, context: Context): Promise<bigint | null> {
  const count = await context.services.rows.count(file, context.gone);
  return count === null ? null : BigInt(count);
}

/** `ReportRow.cells`. */
export function cellsOf({ cells }: ReportRow, _args: unknown, context: Context): readonly string[] {
  countCharacters(cells, context);
  return cells;
}

/** `ReportRow.values`. */
export function valuesOf({ keys, cells }: ReportRow, _args: unknown, context: Context): JsonObject {
  countCharacters(cells, context);
  countCharacters(keys, context);
  return Object.fromEntries(keys.map((key, at) => [key, cells[at] ?? '']));
}

function countCharacters(texts: readonly string[], context: Context): void {
  for (const { length } of texts) context.rowCharacters += length;
  if (context.rowCharacters <= MAX_CHARACTERS) return;
  throw badUserInput(
    `The rows of one operation have at most ${MAX_CHARACTERS} characters. Ask for fewer, or for \`cells\` alone: \`values\` has the columns' names as well.`,
  );
}
