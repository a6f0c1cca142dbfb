import { parse } from 'csv-parse/sync';
import * as fc from 'fast-check';
import { readCsvPage, START } from '../../src/rows/csv-page.js';

/** The bytes in pieces of these sizes, in turn. */
export async function* inPieces(bytes: Uint8Array, sizes: readonly number[]): AsyncGenerator<Uint8Array> {
  for (let at = 0, turn = 0; at < bytes.length; turn += 1) {
    const size = sizes[turn % sizes.length] ?? bytes.length;
    yield bytes.subarray(at, at + size);
    at += size;
  }
}

/** What csv-parse makes of the whole: the header, and the rows. */
export function wholly(bytes: Uint8Array): { header: string[] | null; rows: string[][] } {
  const records: string[][] = parse(Buffer.from(bytes), {
    bom: true,
    record_delimiter: ['\r\n', '\n', '\r'],
    relax_column_count: true,
  });
  const first = records.findIndex((cells) => !isBlank(cells));
  const header = records[first];
  if (header === undefined) return { header: null, rows: [] };
  const rows = records.slice(first + 1).filter((cells) => !(isBlank(cells) && header.length > 1));
  return { header, rows };
}

function isBlank(cells: readonly string[]): boolean {
  return cells.length === 1 && cells[0] === '';
}

/** All rows, page by page, each begun at the place where the one before ended and in pieces of these sizes. */
export async function walked(bytes: Uint8Array, pages: readonly number[], pieces: readonly number[]) {
  const rows: string[][] = [];
  let header: readonly string[] | null = null;
  for (let place = START, turn = 0; ; turn += 1) {
    const page = await readCsvPage(inPieces(bytes.subarray(place.offset), pieces), {
      place,
      header,
      rows: pages[turn % pages.length] ?? 1,
    });
    header = page.header;
    rows.push(...page.rows.map(({ cells }) => [...cells]));
    if (page.isEnd) return { header, rows, next: page.next, turns: turn + 1 };
    place = page.rows.at(-1)?.next ?? page.next;
  }
}

const cell = fc.oneof(
  { weight: 3, arbitrary: fc.constantFrom('', '0.10', '-1234567890123456789.01', '1,50', 'usd', ' two ') },
  {
    weight: 2,
    arbitrary: fc.string({
      unit: fc.constantFrom('a', '"', ',', '\n', '\r', '\r\n', 'é', '東', '😀', ' '),
      maxLength: 8,
    }),
  },
);
const ending = fc.constantFrom('\n', '\r\n', '\r');

/** A CSV file of up to 40 rows, all of one width, as any writer might write it. */
export const csvFile: fc.Arbitrary<Buffer> = fc
  .record({
    width: fc.integer({ min: 1, max: 4 }),
    mark: fc.boolean(),
    lines: fc.array(
      fc.record({
        cells: fc.array(fc.tuple(cell, fc.boolean()), { minLength: 4, maxLength: 4 }),
        ending,
        blank: fc.integer({ min: 0, max: 9 }),
      }),
      { maxLength: 41 },
    ),
    endsWhole: fc.boolean(),
  })
  .map(({ width, mark, lines, endsWhole }) => {
    const text = lines.map(({ cells, ending: end, blank }, at) => {
      const written = cells
        .slice(0, width)
        .map(([text, quoted]) => write(text, quoted))
        .join(',');
      const isLast = at === lines.length - 1;
      return `${written}${isLast && !endsWhole ? '' : end}${blank === 0 ? end : ''}`;
    });
    return Buffer.from(`${mark ? '\ufeff' : ''}${text.join('')}`);
  });

function write(text: string, quoted: boolean): string {
  return quoted || /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}
