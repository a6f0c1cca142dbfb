import type { Context } from '../context.js';
import { badUserInput } from '../models/errors.js';
import type { ReportRun } from '../models/report-run.js';
import type { RunFilter, RunPageRequest, RunPosition } from '../models/run-page.js';
import { type CursorScope, decodeCursor, encodeCursor } from './cursor.js';
import { type ReportRunFilterInput, toRunFilter } from './report-run-filter.js';

export interface ReportRunsArguments {
  readonly first?: number | null | undefined;
  readonly after?: string | null | undefined;
  readonly last?: number | null | undefined;
  readonly before?: string | null | undefined;
  readonly filter?: ReportRunFilterInput | null | undefined;
}

interface ReportRunEdge {
  readonly cursor: string;
  readonly node: ReportRun;
}

export interface ReportRunConnection {
  readonly edges: ReportRunEdge[];
  readonly pageInfo: {
    readonly hasNextPage: boolean;
    readonly hasPreviousPage: boolean;
    readonly startCursor: string | null;
    readonly endCursor: string | null;
  };
  /** What `totalCount` counts, if it is asked for. */
  readonly filter: RunFilter;
}

const DEFAULT_SIZE = 20;
const MAX_SIZE = 100;

/** `Query.reportRuns`. */
export async function listReportRuns(
  _root: unknown,
  args: ReportRunsArguments,
  context: Context,
): Promise<ReportRunConnection> {
  const filter = toRunFilter(args.filter ?? {});
  const scope = { connection: 'reportRuns', account: context.services.account, filter };
  const request = toPageRequest(args, scope);
  context.reportUpstream = true;
  const page = await context.services.runs.page(request);
  const cursorOf = (position: RunPosition) => encodeCursor(scope, position);
  const edges = page.runs.map((node) => ({ cursor: cursorOf(node), node }));
  return {
    edges,
    pageInfo: {
      hasNextPage: page.hasNextPage,
      hasPreviousPage: page.hasPreviousPage,
      startCursor: edges[0]?.cursor ?? null,
      // Where the history beyond has not been read yet, going on from here reads it, even if nothing was found so far.
      endCursor: page.lookedUntil === null ? (edges.at(-1)?.cursor ?? null) : cursorOf(page.lookedUntil),
    },
    filter,
  };
}

/** `ReportRunConnection.totalCount`, counted only if asked for. */
export function countReportRuns(
  { filter }: Pick<ReportRunConnection, 'filter'>,
  _args: unknown,
  context: Context,
): Promise<number | null> {
  return context.services.runs.count(filter);
}

function toPageRequest(args: ReportRunsArguments, scope: CursorScope): RunPageRequest {
  const first = pageSize('first', args.first);
  const last = pageSize('last', args.last);
  if (first !== null && last !== null) {
    throw badUserInput(`\`first\` (${first}) and \`last\` (${last}) exclude each other: give one of them.`);
  }
  const after = typeof args.after === 'string' ? decodeCursor(scope, 'after', args.after) : null;
  const before = typeof args.before === 'string' ? decodeCursor(scope, 'before', args.before) : null;
  // `before` alone can only mean the runs right before it.
  const backward = last !== null || (first === null && before !== null && after === null);
  return {
    filter: scope.filter,
    direction: backward ? 'backward' : 'forward',
    limit: first ?? last ?? DEFAULT_SIZE,
    after,
    before,
  };
}

function pageSize(name: string, value: number | null | undefined): number | null {
  if (value === undefined || value === null) return null;
  if (value >= 0 && value <= MAX_SIZE) return value;
  throw badUserInput(`\`${name}\` must be between 0 and ${MAX_SIZE}, but is ${value}.`);
}
