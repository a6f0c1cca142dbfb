import { resolveRunV1 } from '../resolvers/entities.js';
import { reportTypeOf } from '../resolvers/report-type.js';
import { builder } from './builder.js';

const ReportRunV1 = builder.objectType('ReportRunV1', {
  description: 'A run in Stripe’s v1 API, with an id `frr_…`.',
  // The later interface's `id` counts, and Node's own cannot be resolved.
  interfaces: [builder.nodeInterfaceRef(), 'ReportRun'],
  fields: (t) => ({
    succeededAt: t.expose('succeededAt', {
      type: 'DateTime',
      nullable: true,
      description: 'When the run succeeded, by Stripe’s clock. Null unless it has SUCCEEDED.',
    }),
    reportType: t.field({
      type: 'ReportTypeV1',
      description:
        'The report type the run was made of. Its id comes with the run; its other fields are read from Stripe.',
      resolve: reportTypeOf,
    }),
    parameters: t.expose('parameters', {
      type: 'ReportRunV1Parameters',
      description: 'What the run was started with, v1’s own parameters among it.',
    }),
  }),
});

builder.asEntity(ReportRunV1, {
  key: builder.selection<{ id: string }>('id'),
  resolveReference: resolveRunV1,
});

builder.objectType('ReportRunV1Parameters', {
  description: 'What a v1 run was started with. A field is null if the run was started without it.',
  interfaces: ['ReportRunParameters'],
  fields: (t) => ({
    columns: t.exposeStringList('columns', {
      nullable: true,
      description:
        'The columns of the file, in their order. Null if they were not chosen: then it has the default ones.',
    }),
    connectedAccount: t.exposeString('connectedAccount', {
      nullable: true,
      description: 'The connected account (`acct_…`) the rows were limited to. Null if they were not.',
    }),
    currency: t.exposeString('currency', {
      nullable: true,
      description: 'The currency the rows were limited to, ISO 4217 in lower case. Null if they were not.',
    }),
    payout: t.exposeString('payout', {
      nullable: true,
      description: 'The payout (`po_…`) the report is about. Null if it is not about one payout.',
    }),
    reportingCategory: t.exposeString('reportingCategory', {
      nullable: true,
      description:
        'Stripe’s reporting category the rows were limited to, such as `charge`. Null if they were not.',
    }),
    timezone: t.exposeString('timezone', {
      nullable: true,
      description:
        'The IANA time zone in which times are written in the file; it does not move the interval. Null if none was chosen, which is `Etc/UTC`.',
    }),
  }),
});
