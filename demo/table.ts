import CliTable from 'cli-table3';

/** The beginning of a file's rows. */
export interface Rows {
  readonly columns: readonly { readonly name: string; readonly type: string | null }[];
  readonly rows: { readonly nodes: readonly { readonly cells: readonly string[] }[] };
  readonly rowCount: string | null;
}

const MARGIN = 6;
/** Wider cells are cut, so that a row stays on one line. */
const WIDEST = 32;
const LINES = { mid: '─', 'left-mid': '', 'right-mid': '', 'mid-mid': '─', middle: ' ' };
const NONE = [
  'top',
  'top-mid',
  'top-left',
  'top-right',
  'bottom',
  'bottom-mid',
  'bottom-left',
  'bottom-right',
];

/** Draws rows under their columns, one line each, with numbers to the right. */
export function tableOf({ columns, rows }: Rows): string {
  const table = new CliTable({
    head: columns.map(({ name }) => name),
    colAligns: columns.map(({ type }) => (type === 'DOUBLE' || type === 'BIGINT' ? 'right' : 'left')),
    chars: { ...LINES, ...Object.fromEntries([...NONE, 'left', 'right'].map((name) => [name, ''])) },
    style: { head: [], border: [], compact: true, 'padding-left': 0, 'padding-right': 1 },
    truncate: '…',
  });
  for (const { cells } of rows.nodes) table.push(cells.map(onOneLine));
  const lines = table.toString().split('\n');
  return lines.map((line) => `${' '.repeat(MARGIN)}${line.trimEnd()}`).join('\n');
}

/** `first 5 of 43 rows` or what else there is to say. */
export function countOf({ rows, rowCount }: Rows): string {
  const shown = rows.nodes.length;
  if (shown === 0) return 'no rows: nothing happened in the interval';
  return rowCount === null ? `first ${shown} rows` : `first ${shown} of ${rowCount} rows`;
}

function onOneLine(cell: string): string {
  const line = Array.from(cell.replace(/\s+/g, ' '));
  return line.length > WIDEST ? `${line.slice(0, WIDEST - 1).join('')}…` : line.join('');
}
