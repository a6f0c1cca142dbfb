import type { Context } from '../context.js';
import type { ReportRun } from '../models/report-run.js';
import { requireRunId } from './report-run.js';

/**
 * `Subscription.reportRunUpdated`. Hands on the service's own iterable: an async generator around it would keep a
 * subscriber that has left waiting for the next change.
 */
export async function followReportRun(
  _root: unknown,
  { id }: { readonly id: string },
  context: Context,
): Promise<AsyncIterable<ReportRun | Error>> {
  requireRunId(id);
  return context.services.runs.follow(id);
}

/** Each change is answered by itself: what was read for an earlier one, or failed then, is not kept for hours. */
export function showReportRun(event: ReportRun | Error, _args: unknown, context: Context): ReportRun {
  if (event instanceof Error) throw event;
  context.loaders.reportType.clearAll();
  context.rowPages = 0;
  context.rowCharacters = 0;
  return event;
}
