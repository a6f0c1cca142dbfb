import { showReportRun } from '../resolvers/report-run-updated.js';
import { followReportRuns } from '../resolvers/report-runs-updated.js';
import { builder } from './builder.js';
import { ReportRunFilter } from './report-runs.js';

builder.subscriptionField('reportRunsUpdated', (t) =>
  t.field({
    type: 'ReportRun',
    nullable: true,
    description:
      'Every run that passes the filter, when the gateway first sees it and at each change of its status: each change once, those of one run in order. New runs are looked for every 10 to 15 seconds, unless webhooks tell of them. With `status` in the filter a run is told when it comes into one of these states, and once more when it leaves them. Runs that had ended more than two days before they were first seen are left to lists. Nothing is told at the start: to miss nothing, list the runs, and give as `since` an instant before the list was asked for. Stays open until the gateway shuts down, also while Stripe is away; at most 100 operations share a socket. An event is null only together with an error.',
    args: {
      filter: t.arg({
        type: ReportRunFilter,
        description: 'Null follows all runs. Refused as in `reportRuns` where it can only be a mistake.',
      }),
      since: t.arg({
        type: 'DateTime',
        description:
          'First tells what has changed since this instant by the gateway’s clock: take a minute more for the difference of clocks, what is told again does no harm. Null begins now; more than a day ago is BAD_USER_INPUT.',
      }),
    },
    subscribe: followReportRuns,
    resolve: showReportRun,
  }),
);
