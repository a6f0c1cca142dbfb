import type { Context } from '../context.js';
import { badUserInput } from '../models/errors.js';
import { apiOfRunId } from '../models/ids.js';
import type { ReportRun } from '../models/report-run.js';
import { quote } from './quote.js';

/** `Query.reportRun`. Null where Stripe knows no such run. */
export async function readReportRun(
  _root: unknown,
  { id }: { readonly id: string },
  context: Context,
): Promise<ReportRun | null> {
  requireRunId(id);
  return context.loaders.reportRun.load(id);
}

/** A malformed id is the caller's mistake, and never reaches Stripe. */
export function requireRunId(id: string): void {
  if (apiOfRunId(id) !== null) return;
  throw badUserInput(`\`id\` must be the id of a report run (frr_… or reprun_…), but is ${quote(id)}.`);
}
