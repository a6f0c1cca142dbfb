import type { Mode } from '../run.js';

export interface ParameterDefinition {
  readonly name: string;
  readonly type: 'timestamp' | 'array' | 'enum' | 'string';
  readonly required: boolean;
  readonly description: string;
  /** Of an enum, or of an array's items. */
  readonly values: readonly string[];
}

/** A v2 report. */
export interface ReportDefinition {
  /** The id without its prefix. */
  readonly slug: string;
  readonly name: string;
  readonly parameters: readonly ParameterDefinition[];
  readonly columns: readonly string[];
}

/** Values of `reporting_category` and of v2's `category`. */
export const CATEGORIES = [
  'charge',
  'refund',
  'payout',
  'dispute',
  'dispute_reversal',
  'fee',
  'network_cost',
  'platform_earning',
  'tax',
  'transfer',
] as const;

const start = parameter('interval_start', 'timestamp', true, 'Start of the interval, included.');
const end = parameter('interval_end', 'timestamp', true, 'End of the interval, excluded.');
const timezone = parameter(
  'timezone',
  'string',
  false,
  'IANA name of the timezone in which the file writes times.',
);
const currency = parameter(
  'currency',
  'string',
  false,
  'Three-letter ISO code in lower case; only rows in this currency.',
);

const balanceColumns = words('category description net_amount currency');
const payoutColumns = words(
  'payout_id effective_at_utc effective_at currency gross fee net reporting_category payout_status payout_description',
);
const activityColumns = words(
  'balance_transaction_id created_utc created available_on currency gross fee net reporting_category source_id description',
);

const REPORTS: readonly ReportDefinition[] = [
  {
    slug: 'balance_summary',
    name: 'Balance summary',
    parameters: [start, end, timezone, currency],
    columns: balanceColumns,
  },
  {
    slug: 'payouts_itemized',
    name: 'Itemized payouts',
    parameters: [start, end, columnsOf(payoutColumns), timezone, currency],
    columns: payoutColumns,
  },
  {
    slug: 'activity_itemized',
    name: 'Itemized balance change from activity',
    parameters: [
      start,
      end,
      columnsOf(activityColumns),
      {
        ...parameter('category', 'enum', false, 'Only rows of this reporting category.'),
        values: CATEGORIES,
      },
      timezone,
      currency,
    ],
    columns: activityColumns,
  },
  {
    slug: 'ending_balance',
    name: 'Ending balance',
    parameters: [end, timezone],
    columns: balanceColumns,
  },
];

export function reportId(report: ReportDefinition, mode: Mode): string {
  return `report_${mode === 'test' ? 'test_' : ''}${report.slug}`;
}

/** All ids of a mode. */
export function reportIds(mode: Mode): readonly string[] {
  return REPORTS.map((report) => reportId(report, mode));
}

export function findReport(id: string, mode: Mode): ReportDefinition | null {
  return REPORTS.find((report) => reportId(report, mode) === id) ?? null;
}

function parameter(
  name: string,
  type: ParameterDefinition['type'],
  required: boolean,
  description: string,
): ParameterDefinition {
  return { name, type, required, description, values: [] };
}

function columnsOf(values: readonly string[]): ParameterDefinition {
  return { ...parameter('columns', 'array', false, 'The columns of the file, in this order.'), values };
}

function words(text: string): string[] {
  return text.split(' ');
}
