import { CREATE_V1, CREATE_V2, FOLLOW, LIST, LOOK_UP, ROWS, WATCH } from './graphiql-operations.js';

/** One tab of GraphiQL; its title is the operation's name. */
export interface ExampleTab {
  readonly query: string;
  /** JSON. */
  readonly variables: string;
}

/** What the examples are about. */
export interface ExampleOptions {
  readonly today: Date;
  /** A run to look up, and one to follow; null where there is none yet. */
  readonly ended: string | null;
  readonly running: string | null;
}

/** Well formed, so that the answer is "no such run" and not a complaint. */
const PLACEHOLDER_ID = 'frr_put_an_id_from_the_other_tabs_here';

/** Operations that run as they stand, in the order in which one would try them. */
export function exampleTabs({ today, ended, running }: ExampleOptions): ExampleTab[] {
  // A whole calendar month that ended weeks ago: Stripe has prepared its data.
  const start = monthStart(today, -2);
  const end = monthStart(today, -1);
  return [
    // GraphiQL does not fill in the variables of the tab it opens with.
    { query: LIST, variables: '' },
    { query: LOOK_UP, variables: json({ id: ended ?? PLACEHOLDER_ID }) },
    { query: ROWS, variables: json({ id: ended ?? PLACEHOLDER_ID }) },
    {
      query: CREATE_V1,
      variables: json({
        reportType: 'balance.summary.1',
        parameters: { intervalStart: start, intervalEnd: end, timezone: 'Etc/UTC' },
      }),
    },
    {
      query: CREATE_V2,
      variables: json({
        report: 'report_test_balance_summary',
        parameters: { interval_start: start, interval_end: end },
      }),
    },
    { query: FOLLOW, variables: json({ id: running ?? PLACEHOLDER_ID }) },
    { query: WATCH, variables: json({ filter: {} }) },
  ];
}

function monthStart(today: Date, offset: number): string {
  return new Date(Date.UTC(today.getUTCFullYear(), today.getUTCMonth() + offset, 1)).toISOString();
}

function json(value: unknown): string {
  return JSON.stringify(value, null, 2);
}
