import { CATEGORIES } from '../data/reports.js';
import { pick, token } from '../random.js';
import type { Random } from '../random.js';

/** What all cells of one row have in common. Amounts in minor units, times in unix ms. */
export interface Row {
  readonly at: number;
  readonly gross: number;
  readonly fee: number;
  readonly currency: string;
  readonly category: string;
}

/** How a file writes things. */
export interface Style {
  readonly decimalSeparator: string;
  /** Writes a time in the timezone that was asked for. */
  localTime(at: number): string;
}

const DESCRIPTIONS: readonly [string, ...string[]] = [
  'Subscription update',
  'Payment for order 4242, paid in full',
  'Café Zürich – 2 × Entrée',
  'Refund: "wrong size", returned',
  'Two lines:\nthe second one',
  '東京ストア 注文 #118',
  'Øre, ærlig talt; ñandú',
  '',
];

/** One row's worth of chance, for a moment between two. */
export function makeRow(
  random: Random,
  from: number,
  to: number,
  currency: string | null,
  category: string | null,
): Row {
  const gross = Math.round((random() * 4000 - 500) * 100);
  return {
    at: from + Math.floor(random() * Math.max(0, to - from)),
    gross,
    fee: gross > 0 ? Math.round(gross * 0.029) + 30 : 0,
    currency: currency ?? pick(random, ['usd', 'eur', 'gbp']),
    category: category ?? pick(random, CATEGORIES),
  };
}

/** A cell, as text that is not quoted yet. */
export function cell(column: string, row: Row, style: Style, random: Random): string {
  if (column.includes('currency')) return row.currency;
  if (column.includes('category')) return row.category;
  if (column.endsWith('_id')) return idFor(column, random);
  if (column.includes('description')) return pick(random, DESCRIPTIONS);
  const amount = amountFor(column, row);
  if (amount !== null) return major(amount, style.decimalSeparator);
  if (isTime(column)) return column.endsWith('_utc') ? utc(row.at) : style.localTime(row.at);
  if (column === 'count') return String(1 + Math.floor(random() * 900));
  if (column.includes('_metadata[')) return random() < 0.3 ? '' : `value, ${token(random, 6)}`;
  return pick(random, ['paid', 'pending', 'standard', 'instant', 'none']);
}

/** The type v2's schema states for a column. */
export function typeOfColumn(column: string): string {
  if (amountFor(column, NO_ROW) !== null) return 'double';
  if (column === 'count') return 'bigint';
  return isTime(column) ? 'timestamp' : 'varchar';
}

const NO_ROW: Row = { at: 0, gross: 0, fee: 0, currency: '', category: '' };

function amountFor(column: string, { gross, fee }: Row): number | null {
  if (/^(gross|amount|customer_facing_amount)$/.test(column)) return gross;
  if (/^(fee|tax)$/.test(column)) return fee;
  return /^net(_amount)?$/.test(column) ? gross - fee : null;
}

function isTime(column: string): boolean {
  return /(^|_)(created|at|on|date|utc)$/.test(column);
}

function idFor(column: string, random: Random): string {
  const prefix = column.includes('transaction')
    ? 'txn'
    : column.includes('destination')
      ? 'ba'
      : column.includes('payout')
        ? 'po'
        : column.includes('source')
          ? 'ch'
          : 'obj';
  return `${prefix}_${token(random, 16)}`;
}

/** Files count in major units: 123450 is "1234.50". */
function major(minor: number, separator: string): string {
  const digits = String(Math.abs(minor)).padStart(3, '0');
  return `${minor < 0 ? '-' : ''}${digits.slice(0, -2)}${separator}${digits.slice(-2)}`;
}

/** `2026-01-31 23:59:59` in UTC. */
export function utc(at: number): string {
  return new Date(at).toISOString().slice(0, 19).replace('T', ' ');
}
