import { resolveRun } from '../resolvers/entities.js';
import { readReportRun } from '../resolvers/report-run.js';
import { expectedAtOf, isStalled } from '../resolvers/run-outlook.js';
import { reportTypeOf } from '../resolvers/report-type.js';
import { builder } from './builder.js';
import { ReportRunStatus, StripeApi } from './enums.js';

const ReportRun = builder.interfaceType('ReportRun', {
  description:
    'One execution of a Stripe report, whichever of Stripe’s two APIs it was started with. A run starts RUNNING and ends, once and for good, SUCCEEDED with a result or FAILED with a failure.',
  interfaces: [builder.nodeInterfaceRef()],
  resolveType: (run) => `ReportRun${run.api}`,
  fields: (t) => ({
    id: t.exposeID('id', {
      description:
        'Stripe’s own id, `frr_…` in v1 and `reprun_…` in v2. Unique across both, so it also serves `node` and other subgraphs.',
    }),
    api: t.expose('api', { type: StripeApi, description: 'The API the run was started with, and lives in.' }),
    livemode: t.exposeBoolean('livemode', {
      description: 'True if the run reports on live data, false if on test data.',
    }),
    status: t.expose('status', {
      type: ReportRunStatus,
      description: 'How far the run is. It only ever moves forward.',
    }),
    createdAt: t.expose('createdAt', { type: 'DateTime', description: 'When Stripe accepted the run.' }),
    finishedAt: t.expose('finishedAt', {
      type: 'DateTime',
      nullable: true,
      description:
        'When the run ended: Stripe’s own time where it gives one, else when the gateway saw the run end. Null while it runs, and if nobody saw it end.',
    }),
    expectedAt: t.field({
      type: 'DateTime',
      nullable: true,
      description:
        'When the run should have ended, by its report type’s latest 50 successes: three out of four took no longer. It may lie in the past. Null once the run has ended, and until five of them are known.',
      resolve: expectedAtOf,
    }),
    isStalled: t.boolean({
      description:
        'True while the run is RUNNING for more than three times as long as 19 out of 20 of its report type’s latest 50 successes took, and for more than ten minutes; until five of them are known, for more than three hours. Such a run may still end. No subscription has an event when this becomes true: ask again.',
      resolve: isStalled,
    }),
    reportType: t.field({
      type: 'ReportType',
      description:
        'What the run reports. Its id comes with the run; most of its other fields are read from Stripe.',
      resolve: reportTypeOf,
    }),
    parameters: t.expose('parameters', {
      type: 'ReportRunParameters',
      description: 'What the run was started with.',
    }),
    result: t.expose('result', {
      type: 'ReportRunResult',
      nullable: true,
      description: 'What came out of the run. Null unless it has SUCCEEDED.',
    }),
    failure: t.expose('failure', {
      type: 'ReportRunFailure',
      nullable: true,
      description: 'Why the run ended without a result. Null unless it has FAILED.',
    }),
  }),
});

builder.asEntity(ReportRun, {
  key: builder.selection<{ id: string }>('id'),
  resolveReference: resolveRun,
});

builder.interfaceType('ReportRunParameters', {
  description: 'What a run was started with.',
  fields: (t) => ({
    intervalStart: t.expose('intervalStart', {
      type: 'DateTime',
      nullable: true,
      description:
        'The first instant the report covers; it is included. Null if the run was started without one.',
    }),
    intervalEnd: t.expose('intervalEnd', {
      type: 'DateTime',
      nullable: true,
      description:
        'The end of what the report covers; it is not included. Null if the run was started without one.',
    }),
    raw: t.expose('raw', {
      type: 'JSONObject',
      description:
        'Every parameter under the name and in the form Stripe gave it: v1’s times are unix seconds, v2’s are ISO 8601.',
    }),
  }),
});

builder.queryField('reportRun', (t) =>
  t.field({
    type: 'ReportRun',
    nullable: true,
    description:
      'One run by its id, up to date to the second. Null if Stripe knows no such run; a malformed id is BAD_USER_INPUT.',
    args: { id: t.arg.id({ required: true, description: 'The run’s id, `frr_…` or `reprun_…`.' }) },
    resolve: readReportRun,
  }),
);
