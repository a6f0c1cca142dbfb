import type { Context } from '../context.js';
import type { ReportRun } from '../models/report-run.js';
import { type ReportRunFilterInput, toRunFilter } from './report-run-filter.js';

export interface ReportRunsUpdatedArguments {
  readonly filter?: ReportRunFilterInput | null | undefined;
  /** Unix ms. */
  readonly since?: number | null | undefined;
}

/** `Subscription.reportRunsUpdated`. The service's own iterable, for the same reason as in report-run-updated.ts. */
export async function followReportRuns(
  _root: unknown,
  { filter, since }: ReportRunsUpdatedArguments,
  context: Context,
): Promise<AsyncIterable<ReportRun>> {
  return context.services.runs.followAll(toRunFilter(filter ?? {}), since ?? null);
}
