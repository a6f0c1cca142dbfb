import { pipeline } from 'node:stream/promises';
import { CsvError, parse } from 'csv-parse';
import { withoutMark } from './byte-order-mark.js';
import { unreadable } from './unreadable.js';

/** The beginning of a record. */
export interface Place {
  /** Bytes from the beginning of the CSV. */
  readonly offset: number;
  /** Of the file, counted from 1; a cell can hold several. */
  readonly line: number;
  /** How many rows precede it. */
  readonly row: number;
}

export const START: Place = { offset: 0, line: 1, row: 0 };

export interface CsvRow {
  readonly cells: readonly string[];
  /** Where the record after this one begins. */
  readonly next: Place;
}

export interface CsvPage {
  /** Null where the file ends before it has one. */
  readonly header: readonly string[] | null;
  readonly rows: readonly CsvRow[];
  /** Where the reading stopped. */
  readonly next: Place;
  /** Whether the file ends there. */
  readonly isEnd: boolean;
}

export interface CsvPageRequest {
  readonly place: Place;
  /** The file's columns where `place` is behind them; null where it is the beginning of the file. */
  readonly header: readonly string[] | null;
  /** How many rows to keep. 0 reads the header alone; 'count' reads to the end and keeps none. */
  readonly rows: number | 'count';
}

/** In characters. A longer record ends the reading; a cell of a megabyte fits. */
const MAX_RECORD = 2_000_000;
/** A page that has come to that many bytes is full. */
const MAX_PAGE = 4_000_000;

/**
 * Reads CSV from `place` on, for as long as the page takes and into the next record, to know whether there is one. An empty line
 * is a row only where there is just one column. Bytes that are not UTF-8 become U+FFFD. Throws ROWS_UNAVAILABLE with its line where
 * a row of the page is broken, never for one behind it, and whatever `bytes` throws.
 */
export async function readCsvPage(
  bytes: AsyncIterable<Uint8Array>,
  request: CsvPageRequest,
): Promise<CsvPage> {
  const page = new Page(request);
  const mark = { length: 0 };
  const parser = parse({
    record_delimiter: ['\r\n', '\n', '\r'],
    relax_column_count: true,
    max_record_size: MAX_RECORD,
    on_record: (cells: string[], { bytes: end }) => {
      page.add(cells, request.place.offset + mark.length + end);
      return null;
    },
  });
  const text = request.place.offset === 0 ? withoutMark(bytes, mark) : bytes;
  try {
    await pipeline(text, parser.resume());
    return page.done(true);
  } catch (error) {
    if (error instanceof PageFull) return page.done(false);
    if (!(error instanceof CsvError)) throw error;
    // The page was whole before this: whoever reads on is told.
    if (page.isFull) return page.done(false);
    throw unreadable(`${sayWhere(page.next.line)} ${sayWhat(error)}`, page.next.line);
  }
}

class PageFull extends Error {}

/** The rows as they come. */
class Page {
  readonly #start: number;
  readonly #wanted: number | 'count';
  readonly #rows: CsvRow[] = [];
  #header: readonly string[] | null;
  #next: Place;

  constructor({ place, header, rows }: CsvPageRequest) {
    this.#start = place.offset;
    this.#wanted = rows;
    this.#header = header;
    this.#next = place;
  }

  /** Where the record that is being read begins. */
  get next(): Place {
    return this.#next;
  }

  get isFull(): boolean {
    if (this.#wanted === 'count' || this.#header === null) return false;
    return (
      this.#rows.length >= this.#wanted ||
      (this.#rows.length > 0 && this.#next.offset - this.#start >= MAX_PAGE)
    );
  }

  /** Takes the next record, which ends at `end`. Throws PageFull where it is one too many. */
  add(cells: readonly string[], end: number): void {
    const isBlank = cells.length === 1 && cells[0] === '';
    const header = this.#header;
    const isRow = header !== null && !(isBlank && header.length > 1);
    if (isRow) {
      if (this.isFull) throw new PageFull();
      if (cells.length !== header.length) throw wrongWidth(cells.length, header.length, this.#next.line);
    }
    const { line, row } = this.#next;
    this.#next = { offset: end, line: line + linesOf(cells), row: row + (isRow ? 1 : 0) };
    if (isRow && this.#wanted !== 'count') this.#rows.push({ cells, next: this.#next });
    if (header === null && !isBlank) {
      this.#header = cells;
      if (this.#wanted === 0) throw new PageFull();
    }
  }

  done(isEnd: boolean): CsvPage {
    return { header: this.#header, rows: this.#rows, next: this.#next, isEnd };
  }
}

/** A record takes a line, and one more for each break within a cell. */
function linesOf(cells: readonly string[]): number {
  return cells.reduce((lines, cell) => lines + (cell.match(/\r\n|\n|\r/g)?.length ?? 0), 1);
}

function wrongWidth(cells: number, columns: number, line: number): Error {
  return unreadable(`${sayWhere(line)} has ${cells} cells, where the file has ${columns} columns.`, line);
}

function sayWhere(line: number): string {
  return `The row that begins on line ${line} of the file`;
}

function sayWhat({ code }: CsvError): string {
  if (code === 'CSV_MAX_RECORD_SIZE') return `is longer than ${MAX_RECORD} characters.`;
  if (code === 'CSV_QUOTE_NOT_CLOSED') return 'opens a quote that is never closed.';
  return 'is not valid CSV: it has a quote where none can be.';
}
