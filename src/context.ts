import type DataLoader from 'dataloader';
import type { CreateReportRunOutcome, CreateReportRunRequest } from './models/create-report-run.js';
import type { ReportFile, ReportRun, RunOutlook, StripeApi } from './models/report-run.js';
import type { ReportColumn, ReportRowsPage, ReportRowsRequest } from './models/report-rows.js';
import type { OpenCreate } from './models/open-create.js';
import type { ReportType } from './models/report-type.js';
import type { RunFilter, RunPage, RunPageRequest } from './models/run-page.js';
import type { UpstreamState } from './models/upstream-state.js';

/** What the gateway does for one account, whoever asks. */
export interface Services {
  /** `<acct_id>:<live|test>`. Part of every cursor and every signature. */
  readonly account: string;
  readonly runs: {
    /** Up to date to the second; per id null where Stripe knows no such run, or the error. Ids must be well formed. */
    read(ids: readonly string[]): Promise<readonly (ReportRun | null | Error)[]>;
    page(request: RunPageRequest): Promise<RunPage>;
    /** Null until the whole history is known; counts to 10,000 at most. */
    count(filter: RunFilter): Promise<number | null>;
    /**
     * The run as it is now, then each change, then the end. Rejects with NOT_FOUND, or with the upstream's error, before the
     * first event. A failure after that comes as the last event, because an iterator that throws would end the whole socket.
     */
    follow(id: string): Promise<AsyncIterable<ReportRun | Error>>;
    /**
     * Each change of each run that the filter lets through, from now on or since an instant (unix ms); ends only with the gateway.
     * Rejects with BAD_USER_INPUT where the instant is too long ago.
     */
    followAll(filter: RunFilter, since: number | null): Promise<AsyncIterable<ReportRun>>;
    /** When a run should end, learned from the runs of its type that have ended. */
    outlook(run: ReportRun): Promise<RunOutlook>;
    upstream(): Readonly<Record<StripeApi, UpstreamState>>;
  };
  /** Whether a run was begun under this key: what was valid then is not to be judged again. */
  hasBegun(idempotencyKey: string): Promise<boolean>;
  /**
   * `idempotencyKey`: the caller's own, or null to have one made. `waitForSlot`: how long, in seconds, to wait for another run to end
   * where Stripe runs too many v2 reports at a time.
   */
  createReportRun(
    request: CreateReportRunRequest,
    idempotencyKey: string | null,
    waitForSlot: number,
  ): Promise<CreateReportRunOutcome>;
  readonly reportTypes: {
    /** Null where Stripe knows no such type. */
    read(id: string): Promise<ReportType | null>;
    /** v1's catalogue, and the v2 reports that were seen in runs or are configured. */
    list(api: StripeApi | null): Promise<readonly ReportType[]>;
  };
  /**
   * What is in the files of runs that have succeeded. All three reject with ROWS_UNAVAILABLE where a file cannot be read, and stop reading
   * once `gone` is aborted.
   */
  readonly rows: {
    page(file: ReportFile, request: ReportRowsRequest, gone: AbortSignal): Promise<ReportRowsPage>;
    columns(file: ReportFile, gone: AbortSignal): Promise<readonly ReportColumn[]>;
    /** Null where nobody has read so far and it would take long to. */
    count(file: ReportFile, gone: AbortSignal): Promise<number | null>;
  };
  readonly files: {
    /** A signed path (`/files/…`) for a run's file. `expiresAt` is unix ms. */
    sign(runId: string, expiresIn: number): { readonly path: string; readonly expiresAt: number };
  };
}

/** What operators' commands can ask of a running gateway, for its account. */
export interface Operations {
  readonly account: string;
  /** The creates that are not settled, the oldest first. */
  openCreates(): Promise<readonly OpenCreate[]>;
  /**
   * Settles an unknown create: it has started this run, or with null none. Resolves to a sentence that says so; rejects with one that
   * says why not.
   */
  settle(key: string, runId: string | null): Promise<string>;
  /** How much was read of Stripe, by day and month. */
  usage(): Promise<object>;
}

/** What every resolver gets: one per request, or per operation on a socket. */
export interface Context {
  readonly services: Services;
  /** Scheme, host and port under which the client reached us; signed links start with it. */
  readonly origin: string;
  /** One per request: the same id is read once, however often a query names it. */
  readonly loaders: {
    readonly reportRun: DataLoader<string, ReportRun | null>;
    readonly reportType: DataLoader<string, ReportType | null>;
  };
  /** Set by resolvers whose answer depends on how fresh the ledger is; printed as `extensions.upstream`. */
  reportUpstream: boolean;
  /** Pages of rows that were asked for, in a subscription since its latest event. Each can take megabytes. */
  rowPages: number;
  /** Characters of rows that were given, counted as `rowPages` is: each time a client names them they are in the answer once more. */
  rowCharacters: number;
  /** Aborted when nobody waits for the answer any more. */
  readonly gone: AbortSignal;
}
