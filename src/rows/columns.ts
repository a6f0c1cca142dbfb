import type { ReportColumn, ReportColumnType } from '../models/report-rows.js';

/** What the columns of Stripe's v1 report types hold, by name: a name means the same in all of them (docs, "Report types"). */
const TYPES: ReadonlyMap<string, ReportColumnType> = new Map([
  ...named('DOUBLE', 'amount customer_facing_amount fee gross net net_amount tax'),
  ...named('BIGINT', 'count'),
  ...named('TIMESTAMP', 'available_on balance_transaction_created created effective_at incurred_at'),
  ...named('TIMESTAMP', 'automatic_payout_effective_at payout_expected_arrival_date payout_reversed_at'),
  ...named('VARCHAR', 'category currency customer_facing_currency description fee_description feature_name'),
  ...named('VARCHAR', 'incurred_by incurred_by_type payout_description payout_status payout_type product'),
  ...named('VARCHAR', 'regulatory_tag reporting_category suite'),
]);

/** A file's columns by its first line. Names that nobody has documented have no type. */
export function describeColumns(names: readonly string[]): readonly ReportColumn[] {
  return names.map((name) => ({ name, type: typeOf(name) }));
}

function typeOf(name: string): ReportColumnType | null {
  // A time in UTC stands beside one in the run's time zone.
  const known = TYPES.get(name.replace(/_utc$/, ''));
  if (known !== undefined) return known;
  return /_id$|^(?:payment|refund|transfer)_metadata\[.+\]$/.test(name) ? 'VARCHAR' : null;
}

/** A key for each column: its name, with a number behind it where another column has it already. */
export function keysOf(names: readonly string[]): readonly string[] {
  const taken = new Set(names);
  const seen = new Set<string>();
  return names.map((name) => {
    let key = name;
    for (let turn = 2; seen.has(key) || (turn > 2 && taken.has(key)); turn += 1) key = `${name}_${turn}`;
    seen.add(key);
    return key;
  });
}

function named(type: ReportColumnType, names: string): readonly (readonly [string, ReportColumnType])[] {
  return names.split(' ').map((name) => [name, type] as const);
}
