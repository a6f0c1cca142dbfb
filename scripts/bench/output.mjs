// Tables as Markdown has them, printed line by line, and what is going on now on a terminal.

export const print = (line = '') => {
  clear();
  process.stdout.write(`${line}\n`);
};

/** One line on a terminal that the next replaces; nothing elsewhere. */
export function progress(text) {
  clear();
  if (process.stderr.isTTY) process.stderr.write(text.slice(0, (process.stderr.columns ?? 80) - 1));
}

function clear() {
  if (process.stderr.isTTY) process.stderr.write('\r\u001b[K');
}

/** Prints the head of a table; gives what prints a row. */
export function openTable(...head) {
  const widths = head.map((name) => Math.max(name.length, 7));
  const line = (cells) =>
    print(`| ${cells.map((cell, at) => String(cell).padStart(widths[at])).join(' | ')} |`);
  line(head);
  print(`|${widths.map((width) => `${'-'.repeat(width + 1)}:`).join('|')}|`);
  return (...cells) => line(cells.map((cell) => (typeof cell === 'number' ? numberText(cell) : cell)));
}

function numberText(value) {
  return Number.isInteger(value) ? value.toLocaleString('en-US') : value.toFixed(2);
}

/** The value that a part (0 to 1) of the values does not exceed; a dash where there are none. */
export function quantile(values, part) {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.ceil(sorted.length * part) - 1)] ?? '–';
}

export const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
