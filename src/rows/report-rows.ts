import type { FileSource } from '../datasources/files.js';
import type { StripeV2 } from '../datasources/stripe-v2.js';
import type { Files } from '../ledger/files.js';
import { UpstreamError } from '../models/errors.js';
import type { ReportColumn, ReportRowsPage, ReportRowsRequest } from '../models/report-rows.js';
import type { ReportFile, ReportRun } from '../models/report-run.js';
import type { Clock } from '../watch/clock.js';
import { describeColumns, keysOf } from './columns.js';
import { type CsvPage, type CsvPageRequest, readCsvPage, START } from './csv-page.js';
import { type OpenPart, openCsv } from './open-csv.js';
import type { RowCursors } from './row-cursor.js';
import { SharedWork } from './shared-work.js';

export interface ReportRowsOptions {
  readonly known: Files;
  readonly files: Pick<FileSource, 'open'>;
  readonly v2: Pick<StripeV2, 'fileColumns'>;
  readonly cursors: RowCursors;
  readonly reader: { read(ids: readonly string[]): Promise<readonly (ReportRun | null | Error)[]> };
  readonly clock: Clock;
}

/** For one reading of a file, which for a ZIP begins at its beginning. */
const DEADLINE_MS = 30_000;
/** Files up to so many bytes are read to count their rows. A ZIP holds about ten times its size. */
const COUNTED = { CSV: 1_000_000n, ZIP: 100_000n, OTHER: 0n };

/**
 * The rows of finished runs' files, read no further than somebody asks for. What is learned of a file is remembered. `gone` is aborted when
 * whoever asks does not wait any more: what is read for nobody is broken off.
 */
export class ReportRows {
  readonly #options: ReportRowsOptions;
  /** Readings from the beginning of a file that are under way, by the run: they learn what others would read it for. */
  readonly #beginnings = new Map<string, Promise<unknown>>();
  /** Pages under way: whoever asks for the same one at the same time gets the same. */
  readonly #pages = new SharedWork<CsvPage>();

  constructor(options: ReportRowsOptions) {
    this.#options = options;
  }

  /** Throws BAD_USER_INPUT for the cursor, ROWS_UNAVAILABLE where the file is not what can be read, and UpstreamError. */
  async page(
    file: ReportFile,
    { first, after }: ReportRowsRequest,
    gone: AbortSignal,
  ): Promise<ReportRowsPage> {
    const { cursors } = this.#options;
    const place = after === null ? START : cursors.open(file, after);
    const page = await this.#pages.join(`${file.runId} ${place.offset} ${first}`, gone, async (abandoned) => {
      const header = after === null ? null : await this.#header(file, abandoned);
      return this.#read(file, { place, header, rows: first }, abandoned);
    });
    const keys = keysOf(page.header ?? []);
    return {
      rows: page.rows.map(({ cells, next }) => ({ row: { cells, keys }, cursor: cursors.seal(file, next) })),
      hasNextPage: !page.isEnd,
      hasPreviousPage: place.row > 0,
    };
  }

  /** Stripe's own words for v2; else the first line, with the types of columns that are known. Throws as `page` does. */
  async columns(file: ReportFile, gone: AbortSignal): Promise<readonly ReportColumn[]> {
    const { known, v2 } = this.#options;
    const { columns } = await known.get(file.runId);
    if (columns !== null) return columns;
    if ((await this.#run(file.runId)).api === 'V2') {
      const told = await v2.fileColumns(file.runId).catch(unlessRefused);
      if (told !== null) {
        await known.learn(file.runId, { columns: told });
        return told;
      }
    }
    return describeColumns(await this.#header(file, gone));
  }

  /** Null where it would take a long reading to know. Throws as `page` does. */
  async count(file: ReportFile, gone: AbortSignal): Promise<number | null> {
    const { rowCount } = await this.#learned(file, ({ rowCount: count }) => count !== null);
    if (rowCount !== null || file.size > COUNTED[file.contentType]) return rowCount;
    const { next } = await this.#read(file, { place: START, header: null, rows: 'count' }, gone);
    return next.row;
  }

  async #header(file: ReportFile, gone: AbortSignal): Promise<readonly string[]> {
    const { header } = await this.#learned(file, ({ header: names }) => names !== null);
    if (header !== null) return header;
    return (await this.#read(file, { place: START, header: null, rows: 0 }, gone)).header ?? [];
  }

  /** What is known, after a reading that is under way if that may bring what is wanted. */
  async #learned(file: ReportFile, isEnough: (known: Known) => boolean): Promise<Known> {
    const { known } = this.#options;
    const before = await known.get(file.runId);
    const reading = this.#beginnings.get(file.runId);
    if (isEnough(before) || reading === undefined) return before;
    await reading.catch(() => {});
    return known.get(file.runId);
  }

  #read(file: ReportFile, request: CsvPageRequest, gone: AbortSignal): Promise<CsvPage> {
    const reading = this.#readOnce(file, request, gone);
    if (request.place !== START || this.#beginnings.has(file.runId)) return reading;
    this.#beginnings.set(file.runId, reading);
    return reading.finally(() => this.#beginnings.delete(file.runId));
  }

  async #readOnce(file: ReportFile, request: CsvPageRequest, gone: AbortSignal): Promise<CsvPage> {
    const { known, files, clock } = this.#options;
    const late = new AbortController();
    const inTime = clock.after(DEADLINE_MS, () => late.abort());
    const over = new AbortController();
    const signal = AbortSignal.any([late.signal, gone, over.signal]);
    try {
      const run = await this.#run(file.runId);
      const open: OpenPart = (range) => files.open(run, { signal, range });
      const page = await readCsvPage(openCsv(file, open, request), request);
      const isFirst = request.place === START && (page.header !== null || page.isEnd);
      await known.learn(file.runId, {
        ...(isFirst ? { header: page.header ?? [] } : {}),
        ...(page.isEnd ? { rowCount: page.next.row } : {}),
      });
      return page;
    } catch (error) {
      if (gone.aborted) throw new UpstreamError('unavailable', 'Nobody waits for these rows any more.');
      if (!late.signal.aborted) throw error;
      const message = `Stripe did not deliver the rows within ${DEADLINE_MS / 1000} s. Download the file instead.`;
      throw new UpstreamError('unavailable', message);
    } finally {
      inTime();
      over.abort();
    }
  }

  async #run(id: string): Promise<ReportRun> {
    const [run] = await this.#options.reader.read([id]);
    if (run instanceof Error) throw run;
    if (run) return run;
    throw new UpstreamError('not_found', `Stripe no longer knows the report run ${id}.`);
  }
}

type Known = Awaited<ReturnType<Files['get']>>;

/** Versions of the API before mid-2026 do not know what to include. */
function unlessRefused(error: unknown): null {
  if (error instanceof UpstreamError && error.kind === 'invalid') return null;
  throw error;
}
