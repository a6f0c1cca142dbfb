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

/** The parameters, by the letters of the table below. */
const PARAMETERS: Readonly<Record<string, string>> = {
  s: 'interval_start',
  e: 'interval_end',
  p: 'payout',
  a: 'connected_account',
  m: 'connected_accounts',
  t: 'timezone',
  c: 'currency',
  r: 'reporting_category',
  d: 'decimal_separator',
  k: 'columns',
};

/** A line for each group of versions with the same parameters: id without version, versions, required, optional. */
const FAMILIES = `
balance_change_from_activity.itemized 1,2 se crdk
balance_change_from_activity.itemized 3,6,7 se tcrdk
balance_change_from_activity.summary 1 se tck
payouts.itemized 1,2 se crdk
payouts.itemized 3 se tcrdk
payouts.summary 1 se tck
balance.summary 1,2 se tck
ending_balance_reconciliation.itemized 1,2 e crk
ending_balance_reconciliation.itemized 3 e tcrk
ending_balance_reconciliation.itemized 4 e tcrdk
ending_balance_reconciliation.summary 1 e tck
payout_reconciliation.itemized 1,2,3 se crdk
payout_reconciliation.itemized 4,5,7 se tcrdk
payout_reconciliation.summary 1,2 se tck
payout_reconciliation.by_id.itemized 1,2,3 p rdk
payout_reconciliation.by_id.itemized 4 p trdk
payout_reconciliation.by_id.summary 1 p k
tax.transactions.itemized 2 se tdk
connected_account_balance_change_from_activity.itemized 1 se acrdk
connected_account_balance_change_from_activity.itemized 2 se amcrdk
connected_account_balance_change_from_activity.itemized 3 se amtcrdk
connected_account_balance_change_from_activity.summary 1 se amtck
connected_account_payouts.itemized 1,2 se acrdk
connected_account_payouts.itemized 3 se atcrdk
connected_account_payouts.summary 1 se atck
connected_account_balance.summary 1 se atck
connected_account_ending_balance_reconciliation.itemized 1,2 e acrdk
connected_account_ending_balance_reconciliation.itemized 3,4 e atcrdk
connected_account_ending_balance_reconciliation.summary 1 e atck
connected_account_payout_reconciliation.by_id.itemized 1,2,3 pa rdk
connected_account_payout_reconciliation.by_id.itemized 4 pa trdk
connected_account_payout_reconciliation.by_id.summary 1 pa k
connected_account_payout_reconciliation.itemized 1,2,3 se acrdk
connected_account_payout_reconciliation.itemized 4,5 se atcrdk
connected_account_payout_reconciliation.summary 1 se atck
connect.negative_balance_refunds_disputes_overview 1 e -
connected_account_tax.transactions.itemized 2 se atdk
connected_account_financial_account_balance_change_from_activity.itemized 1 se amtdk
connected_account_financial_account_balance_change_from_activity.summary 1 se amtdk
connected_account_financial_account_balance.summary 1 se amtdk
failed_payouts.itemized 2 se tcrdk
all_fees.balance_transaction_created.itemized 1,2 se tk
all_fees.incurred_at.itemized 2 se tk
`;

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
  return base.endsWith('payouts.itemized') ? PAYOUT_COLUMNS : ACTIVITY_COLUMNS;
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

function parametersOf(letters: string): string[] {
  return letters.split('').flatMap((letter) => PARAMETERS[letter] ?? []);
}

function define(): Map<string, ReportTypeDefinition> {
  const all = new Map<string, ReportTypeDefinition>();
  for (const line of FAMILIES.trim().split('\n')) {
    const [base = '', versions = '', required = '', optional = ''] = line.split(' ');
    const fees = base.startsWith('all_fees');
    for (const version of versions.split(',')) {
      all.set(`${base}.${version}`, {
        id: `${base}.${version}`,
        name: nameOf(base),
        version: Number(version),
        required: parametersOf(required),
        optional: parametersOf(optional),
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
