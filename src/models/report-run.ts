import type { JsonObject } from './json.js';

/** Which of Stripe's two report-run APIs something belongs to. */
export type StripeApi = 'V1' | 'V2';

/** RUNNING is v1's `pending` and v2's `running`. A run only ever moves from RUNNING to one of the other two. */
export type ReportRunStatus = 'RUNNING' | 'SUCCEEDED' | 'FAILED';

/** One execution of a Stripe report. All times are unix milliseconds. */
export type ReportRun = ReportRunV1 | ReportRunV2;

interface ReportRunBase {
  readonly id: string;
  readonly livemode: boolean;
  readonly status: ReportRunStatus;
  readonly createdAt: number;
  /** Stripe's time where Stripe gives one, else when the run was seen to end, else null. */
  readonly finishedAt: number | null;
  /** v1: the report type's id, such as `balance.summary.1`; v2: the report's id, `report_…`. */
  readonly reportTypeId: string;
  /** Null unless SUCCEEDED. */
  readonly result: ReportRunResult | null;
  /** Null unless FAILED. */
  readonly failure: ReportRunFailure | null;
}

export interface ReportRunV1 extends ReportRunBase {
  readonly api: 'V1';
  readonly succeededAt: number | null;
  readonly parameters: ReportRunV1Parameters;
}

export interface ReportRunV2 extends ReportRunBase {
  readonly api: 'V2';
  readonly reportName: string;
  readonly parameters: ReportRunParameters;
  readonly resultOptions: ReportRunResultOptions | null;
}

export interface ReportRunParameters {
  /** Inclusive, unix ms. */
  readonly intervalStart: number | null;
  /** Exclusive, unix ms. */
  readonly intervalEnd: number | null;
  /** Every parameter under the name and in the form Stripe gave it; v2's wrapped values are unwrapped. */
  readonly raw: JsonObject;
}

export interface ReportRunV1Parameters extends ReportRunParameters {
  readonly columns: readonly string[] | null;
  readonly connectedAccount: string | null;
  readonly currency: string | null;
  readonly payout: string | null;
  readonly reportingCategory: string | null;
  readonly timezone: string | null;
}

export interface ReportRunResultOptions {
  readonly compressFile: boolean | null;
}

/** OTHER stands for a word Stripe has added since; the run is still shown. */
export type ReportRunResultType = 'FILE' | 'OTHER';

export interface ReportRunResult {
  readonly type: ReportRunResultType;
  readonly file: ReportFile | null;
}

/** OTHER stands for a type Stripe has added since; the file can still be downloaded. */
export type ReportFileContentType = 'CSV' | 'ZIP' | 'OTHER';

export interface ReportFile {
  /** The run the file belongs to. */
  readonly runId: string;
  readonly contentType: ReportFileContentType;
  /** Bytes. */
  readonly size: bigint;
  readonly filename: string | null;
  /** v1 only, like the three below. */
  readonly fileId: string | null;
  readonly title: string | null;
  readonly createdAt: number | null;
  readonly expiresAt: number | null;
}

export interface ReportRunFailure {
  /** Stripe's code; null in v1, which has none. */
  readonly code: string | null;
  readonly message: string;
}

/** How a run compares with earlier runs of its report type. */
export interface RunOutlook {
  /** Unix ms; null once the run has ended, and while too few runs of its type are known. */
  readonly expectedAt: number | null;
  /** RUNNING for so long that it is unlikely to end by itself. */
  readonly isStalled: boolean;
}

/** A run as one upstream answer showed it. */
export interface ObservedRun {
  readonly run: ReportRun;
  /** The upstream's own answer without links: what the ledger keeps, and decodes again on read. */
  readonly body: JsonObject;
}

/** The id of the run an item is about, readable or not. */
export function idOfItem(item: ObservedRun | UnreadableRun): string {
  return 'unreadable' in item ? item.id : item.run.id;
}

/** An item that broke its contract: kept raw, left out of lists. */
export interface UnreadableRun {
  readonly unreadable: true;
  readonly id: string;
  readonly api: StripeApi;
  /** Unix ms; null where even that could not be read. */
  readonly createdAt: number | null;
  readonly body: JsonObject;
  /** What was expected and what came. */
  readonly reason: string;
  /** Stripe's request id, where one answer showed just this run. */
  readonly requestId?: string | null;
}
