/** A v1 report type as its documentation describes it. */
export interface ReportTypeDefinition {
  readonly id: string;
  readonly name: string;
  readonly version: number;
  readonly required: readonly string[];
  readonly optional: readonly string[];
  /** What a file has when no columns are chosen. */
  readonly columns: readonly string[];
  /** Whether `columns` is all there is: a summary has no others, an itemized type has many more. */
  readonly columnsAreAll: boolean;
  readonly liveOnly: boolean;
  /** How far the newest data is behind the last noon or midnight UTC, hours. */
  readonly lagHours: number;
}

const INTERVAL = 'interval_start interval_end';
const ROWS = 'currency reporting_category decimal_separator columns';
const ZONED = `timezone ${ROWS}`;
const SUMMARY = 'currency timezone columns';

/** One line for each group of versions that take the same parameters: id without version, versions, required, optional. */
const FAMILIES: readonly (readonly [string, readonly number[], string, string])[] = [
  ['balance_change_from_activity.itemized', [1, 2], INTERVAL, ROWS],
  ['balance_change_from_activity.itemized', [3, 6, 7], INTERVAL, ZONED],
  ['balance_change_from_activity.summary', [1], INTERVAL, SUMMARY],
  ['payouts.itemized', [1, 2], INTERVAL, ROWS],
  ['payouts.itemized', [3], INTERVAL, ZONED],
  ['payouts.summary', [1], INTERVAL, SUMMARY],
  ['balance.summary', [1, 2], INTERVAL, 'timezone currency columns'],
  ['ending_balance_reconciliation.itemized', [1, 2], 'interval_end', 'currency reporting_category columns'],
  [
    'ending_balance_reconciliation.itemized',
    [3],
    'interval_end',
    'currency reporting_category timezone columns',
  ],
  [
    'ending_balance_reconciliation.itemized',
    [4],
    'interval_end',
    'currency reporting_category timezone decimal_separator columns',
  ],
  ['ending_balance_reconciliation.summary', [1], 'interval_end', SUMMARY],
  ['payout_reconciliation.itemized', [1, 2, 3], INTERVAL, ROWS],
  ['payout_reconciliation.itemized', [4, 5, 7], INTERVAL, ZONED],
  ['payout_reconciliation.summary', [1, 2], INTERVAL, SUMMARY],
  [
    'payout_reconciliation.by_id.itemized',
    [1, 2, 3],
    'payout',
    'reporting_category decimal_separator columns',
  ],
  [
    'payout_reconciliation.by_id.itemized',
    [4],
    'payout',
    'reporting_category timezone decimal_separator columns',
  ],
  ['payout_reconciliation.by_id.summary', [1], 'payout', 'columns'],
  ['tax.transactions.itemized', [2], INTERVAL, 'timezone decimal_separator columns'],
  [
    'connected_account_balance_change_from_activity.itemized',
    [1],
    INTERVAL,
    'connected_account currency reporting_category decimal_separator columns',
  ],
  [
    'connected_account_balance_change_from_activity.itemized',
    [2],
    INTERVAL,
    'connected_account connected_accounts currency reporting_category decimal_separator columns',
  ],
  [
    'connected_account_balance_change_from_activity.itemized',
    [3],
    INTERVAL,
    'connected_account connected_accounts timezone currency reporting_category decimal_separator columns',
  ],
  [
    'connected_account_balance_change_from_activity.summary',
    [1],
    INTERVAL,
    'currency connected_account connected_accounts timezone columns',
  ],
  [
    'connected_account_payouts.itemized',
    [1, 2],
    INTERVAL,
    'connected_account currency reporting_category decimal_separator columns',
  ],
  [
    'connected_account_payouts.itemized',
    [3],
    INTERVAL,
    'connected_account timezone currency reporting_category decimal_separator columns',
  ],
  ['connected_account_payouts.summary', [1], INTERVAL, 'currency connected_account timezone columns'],
  ['connected_account_balance.summary', [1], INTERVAL, 'timezone currency connected_account columns'],
  [
    'connected_account_ending_balance_reconciliation.itemized',
    [1, 2],
    'interval_end',
    'connected_account currency reporting_category decimal_separator columns',
  ],
  [
    'connected_account_ending_balance_reconciliation.itemized',
    [3, 4],
    'interval_end',
    'connected_account currency reporting_category timezone decimal_separator columns',
  ],
  [
    'connected_account_ending_balance_reconciliation.summary',
    [1],
    'interval_end',
    'connected_account currency timezone columns',
  ],
  [
    'connected_account_payout_reconciliation.by_id.itemized',
    [1, 2, 3],
    'connected_account payout',
    'reporting_category decimal_separator columns',
  ],
  [
    'connected_account_payout_reconciliation.by_id.itemized',
    [4],
    'connected_account payout',
    'timezone reporting_category decimal_separator columns',
  ],
  ['connected_account_payout_reconciliation.by_id.summary', [1], 'connected_account payout', 'columns'],
  [
    'connected_account_payout_reconciliation.itemized',
    [1, 2, 3],
    INTERVAL,
    'connected_account currency reporting_category decimal_separator columns',
  ],
  [
    'connected_account_payout_reconciliation.itemized',
    [4, 5],
    INTERVAL,
    'connected_account timezone currency reporting_category decimal_separator columns',
  ],
  [
    'connected_account_payout_reconciliation.summary',
    [1],
    INTERVAL,
    'currency connected_account timezone columns',
  ],
  ['connect.negative_balance_refunds_disputes_overview', [1], 'interval_end', ''],
  [
    'connected_account_tax.transactions.itemized',
    [2],
    INTERVAL,
    'connected_account timezone decimal_separator columns',
  ],
  [
    'connected_account_financial_account_balance_change_from_activity.itemized',
    [1],
    INTERVAL,
    'timezone decimal_separator connected_account connected_accounts columns',
  ],
  [
    'connected_account_financial_account_balance_change_from_activity.summary',
    [1],
    INTERVAL,
    'timezone decimal_separator connected_account connected_accounts columns',
  ],
  [
    'connected_account_financial_account_balance.summary',
    [1],
    INTERVAL,
    'timezone decimal_separator connected_account connected_accounts columns',
  ],
  ['failed_payouts.itemized', [2], INTERVAL, ZONED],
  ['all_fees.balance_transaction_created.itemized', [1, 2], INTERVAL, 'timezone columns'],
  ['all_fees.incurred_at.itemized', [2], INTERVAL, 'timezone columns'],
];

const BALANCE_COLUMNS = 'category description net_amount currency';
const CATEGORY_COLUMNS = 'reporting_category currency count gross fee net';
const ACTIVITY_COLUMNS =
  'balance_transaction_id created_utc created available_on_utc available_on currency gross fee net reporting_category source_id description customer_facing_amount customer_facing_currency regulatory_tag automatic_payout_id automatic_payout_effective_at_utc automatic_payout_effective_at';
const PAYOUT_COLUMNS =
  'payout_id effective_at_utc effective_at currency gross fee net reporting_category balance_transaction_id description payout_expected_arrival_date payout_status payout_reversed_at_utc payout_reversed_at payout_type payout_description payout_destination_id regulatory_tag';
const FEE_COLUMNS =
  'balance_transaction_id balance_transaction_created fee_transaction_id incurred_at incurred_by incurred_by_type amount tax currency product feature_name fee_description suite';

function columnsOf(base: string): string {
  if (base.endsWith('balance.summary')) return BALANCE_COLUMNS;
  if (base.endsWith('.summary')) return CATEGORY_COLUMNS;
  if (base.startsWith('all_fees')) return FEE_COLUMNS;
  return /payouts\.itemized$/.test(base) ? PAYOUT_COLUMNS : ACTIVITY_COLUMNS;
}

function nameOf(base: string): string {
  const words = base.replace(/[._]/g, ' ').replace(/ (itemized|summary)$/, '');
  const name = base.endsWith('.itemized')
    ? `itemized ${words}`
    : base.endsWith('.summary')
      ? `${words} summary`
      : words;
  return name.charAt(0).toUpperCase() + name.slice(1);
}

function define(): Map<string, ReportTypeDefinition> {
  const all = new Map<string, ReportTypeDefinition>();
  for (const [base, versions, required, optional] of FAMILIES) {
    for (const version of versions) {
      const fees = base.startsWith('all_fees');
      all.set(`${base}.${version}`, {
        id: `${base}.${version}`,
        name: nameOf(base),
        version,
        required: required.split(' '),
        optional: optional === '' ? [] : optional.split(' '),
        columns: columnsOf(base).split(' '),
        columnsAreAll: base.endsWith('.summary'),
        liveOnly: fees,
        lagHours: fees ? 96 : 0,
      });
    }
  }
  return all;
}

/** The documented v1 report types by id. */
export const REPORT_TYPES: ReadonlyMap<string, ReportTypeDefinition> = define();
