import { REPORT_TYPES } from '../data/report-types.js';
import { findReport } from '../data/reports.js';
import type { JsonValue } from '../json.js';
import { randomFrom } from '../random.js';
import type { Run } from '../run.js';
import { cell, makeRow, utc } from './columns.js';
import type { Style } from './columns.js';
import { type Content, inMemory } from './content.js';
import { zip } from './zip.js';

const DAY_MS = 24 * 3_600_000;

/**
 * A run's file: the one it was given, else CSV or the ZIP of it, made anew each time from the run alone, kept nowhere,
 * and always the same for the same run.
 */
export function contentsOf(run: Run): Content {
  if (run.given !== null) return run.given.content;
  const csv = Buffer.from([...linesOf(run)].join(''));
  return inMemory(run.compress === true ? zip(`${run.id}.csv`, csv, run.created) : csv);
}

/** Bytes of a run's file. */
export function sizeOf(run: Run): number {
  if (run.given !== null) return run.given.content.size;
  run.size ??= contentsOf(run).size;
  return run.size;
}

export function columnsOf(run: Run): readonly string[] {
  const chosen = run.parameters['columns'];
  if (Array.isArray(chosen)) return (chosen as readonly JsonValue[]).map(String);
  const known =
    run.api === 'V1' ? REPORT_TYPES.get(run.type)?.columns : findReport(run.type, run.mode)?.columns;
  return known ?? ['description', 'net_amount', 'currency'];
}

function* linesOf(run: Run): Generator<string> {
  const columns = columnsOf(run);
  yield lineOf(columns);
  const random = randomFrom(run.id + JSON.stringify(run.parameters));
  const { parameters } = run;
  const to = timeOf(parameters['interval_end']) ?? run.created;
  const from = timeOf(parameters['interval_start']) ?? to - DAY_MS;
  const category = textOf(parameters['reporting_category']) ?? textOf(parameters['category']);
  const style: Style = {
    decimalSeparator: textOf(parameters['decimal_separator']) ?? '.',
    localTime: localTime(textOf(parameters['timezone']) ?? 'Etc/UTC'),
  };
  // One file in eight is empty: there was nothing in its interval.
  const rows = random() < 0.125 ? 0 : 4 + Math.floor(random() * 48);
  for (let i = 0; i < rows; i++) {
    const row = makeRow(random, from, to, textOf(parameters['currency']), category);
    yield lineOf(columns.map((column) => cell(column, row, style, random)));
  }
}

function lineOf(cells: readonly string[]): string {
  const quoted = cells.map((text) => (/[",\n\r]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text));
  return `${quoted.join(',')}\n`;
}

function localTime(timeZone: string): (at: number) => string {
  if (timeZone === 'Etc/UTC') return utc;
  // Swedish happens to write dates as `2026-01-31 23:59:59`.
  const format = new Intl.DateTimeFormat('sv-SE', { timeZone, dateStyle: 'short', timeStyle: 'medium' });
  return (at) => format.format(at);
}

/** v1 gives unix seconds, v2 RFC 3339. */
function timeOf(value: JsonValue | undefined): number | null {
  if (typeof value === 'number') return value * 1000;
  const at = typeof value === 'string' ? Date.parse(value) : Number.NaN;
  return Number.isNaN(at) ? null : at;
}

function textOf(value: JsonValue | undefined): string | null {
  return typeof value === 'string' ? value : null;
}
