import type { JsonObject } from './json.js';
import type { ReportRun } from './report-run.js';

/** What to POST, in Stripe's own words. This is what an intent keeps. */
export type CreateReportRunRequest =
  | { readonly api: 'V1'; readonly reportType: string; readonly parameters: JsonObject }
  | {
      readonly api: 'V2';
      readonly report: string;
      readonly parameters: JsonObject;
      readonly compressFile: boolean | null;
    };

/** What the caller can correct. `path` leads to the value inside the mutation's `input`. */
export type UserError =
  | {
      readonly kind: 'InvalidInput' | 'LiveModeRequired' | 'IdempotencyConflict';
      readonly message: string;
      readonly path: readonly string[] | null;
    }
  | {
      readonly kind: 'ConcurrentRunLimit';
      readonly message: string;
      readonly path: null;
      readonly runsInProgress: number;
    };

/** Either the run, or what to correct before trying again. */
export interface CreateReportRunOutcome {
  readonly reportRun: ReportRun | null;
  readonly userErrors: readonly UserError[];
}
