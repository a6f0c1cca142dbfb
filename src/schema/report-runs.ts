import { countReportRuns, listReportRuns } from '../resolvers/report-runs.js';
import { builder } from './builder.js';
import { ReportRunStatus, StripeApi } from './enums.js';

const DateTimeRange = builder.inputType('DateTimeRange', {
  description:
    'From `start`, which is included, up to `end`, which is not. A side that is left out or null is open.',
  fields: (t) => ({
    start: t.field({ type: 'DateTime', description: 'The first instant that is in the range.' }),
    end: t.field({ type: 'DateTime', description: 'The first instant after the range; later than `start`.' }),
  }),
});

export const ReportRunFilter = builder.inputType('ReportRunFilter', {
  description:
    'Which runs to show: those that meet every part. A part that is left out or null lets all through.',
  fields: (t) => ({
    api: t.field({ type: StripeApi, description: 'Only runs of this API.' }),
    status: t.field({
      type: [ReportRunStatus],
      description: 'Only runs in one of these states. An empty list is BAD_USER_INPUT.',
    }),
    reportType: t.idList({
      description: 'Only runs of one of these v1 report types and v2 reports, by id; 1 to 100 of them.',
    }),
    createdAt: t.field({ type: DateTimeRange, description: 'Only runs Stripe accepted in this range.' }),
  }),
});

const ReportRunConnection = builder.connectionObject(
  {
    type: 'ReportRun',
    name: 'ReportRunConnection',
    description: 'A page of runs, newest first.',
    fields: (t) => ({
      totalCount: t.int({
        nullable: true,
        description:
          'How many runs the filter lets through, counted to 10,000 at most. Null until the whole history is known to the gateway.',
        resolve: countReportRuns,
      }),
    }),
  },
  { name: 'ReportRunEdge', description: 'A run and its place in the list.' },
);

builder.queryField('reportRuns', (t) =>
  t.connection(
    {
      type: 'ReportRun',
      nullable: true,
      description:
        'All runs, v1 and v2 together, newest first: 20 unless told otherwise, 100 at most. `before` alone gives the 20 right before it. `last` without `before` is HISTORY_INCOMPLETE until the gateway has read the whole history. `extensions.upstream` says how fresh the answer is. Null, with an error, if it cannot be given.',
      args: { filter: t.arg({ type: ReportRunFilter, description: 'Null shows all runs.' }) },
      resolve: listReportRuns,
    },
    ReportRunConnection,
  ),
);
