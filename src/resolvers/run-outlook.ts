import type { Context } from '../context.js';
import type { ReportRun } from '../models/report-run.js';

/** `ReportRun.expectedAt`. */
export async function expectedAtOf(run: ReportRun, _args: unknown, context: Context): Promise<number | null> {
  return (await context.services.runs.outlook(run)).expectedAt;
}

/** `ReportRun.isStalled`. */
export async function isStalled(run: ReportRun, _args: unknown, context: Context): Promise<boolean> {
  return (await context.services.runs.outlook(run)).isStalled;
}
