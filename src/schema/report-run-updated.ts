import { followReportRun, showReportRun } from '../resolvers/report-run-updated.js';
import { builder } from './builder.js';

builder.subscriptionField('reportRunUpdated', (t) =>
  t.field({
    type: 'ReportRun',
    nullable: true,
    description:
      'The run as it is now, then again at each change, in order. Completes once the run has ended. A malformed id is BAD_USER_INPUT, an unknown one NOT_FOUND. While Stripe is away it stays open. An event is null only together with an error.',
    args: { id: t.arg.id({ required: true, description: 'The run’s id, `frr_…` or `reprun_…`.' }) },
    subscribe: followReportRun,
    resolve: showReportRun,
  }),
);
