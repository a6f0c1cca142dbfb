import type { ReportRun, ReportRunStatus, StripeApi } from './report-run.js';

/** A place in the order of all runs, which is newest first: by `createdAt` (unix ms), then by `id`, both descending. */
export interface RunPosition {
  readonly createdAt: number;
  /** Compared by code units. An empty id stands below every run of its instant. */
  readonly id: string;
}

/** Which runs a list shows; an absent part lets all through. */
export interface RunFilter {
  readonly api?: StripeApi;
  readonly status?: readonly ReportRunStatus[];
  readonly reportType?: readonly string[];
  /** Inclusive, unix ms. */
  readonly createdFrom?: number;
  /** Exclusive, unix ms. */
  readonly createdBefore?: number;
}

/** A page of runs: `limit` of them right after (older than) or right before (newer than) a place. */
export interface RunPageRequest {
  readonly filter: RunFilter;
  readonly direction: 'forward' | 'backward';
  /** 0 to 100. */
  readonly limit: number;
  /** Only runs strictly older than this. */
  readonly after: RunPosition | null;
  /** Only runs strictly newer than this. */
  readonly before: RunPosition | null;
}

/** Newest first, whichever direction was read. */
export interface RunPage {
  readonly runs: readonly ReportRun[];
  readonly hasNextPage: boolean;
  readonly hasPreviousPage: boolean;
  /** How far was looked, where that is further than the last run: the history beyond has not been read yet. */
  readonly lookedUntil: RunPosition | null;
}
