import { resolveRunV2 } from '../resolvers/entities.js';
import { reportTypeOf } from '../resolvers/report-type.js';
import { builder } from './builder.js';

const ReportRunV2 = builder.objectType('ReportRunV2', {
  description: 'A run in Stripe’s v2 API, with an id `reprun_…`.',
  // The later interface's `id` counts, and Node's own cannot be resolved.
  interfaces: [builder.nodeInterfaceRef(), 'ReportRun'],
  fields: (t) => ({
    reportType: t.field({
      type: 'ReportTypeV2',
      description:
        'The report the run was made of. Its id and name come with the run; the rest is read from Stripe.',
      resolve: reportTypeOf,
    }),
    parameters: t.expose('parameters', {
      type: 'ReportRunV2Parameters',
      description: 'What the run was started with; `raw` has the parameters the report itself defines.',
    }),
    resultOptions: t.expose('resultOptions', {
      type: 'ReportRunResultOptions',
      nullable: true,
      description: 'How the result was asked for. Null if nothing was asked.',
    }),
  }),
});

builder.asEntity(ReportRunV2, {
  key: builder.selection<{ id: string }>('id'),
  resolveReference: resolveRunV2,
});

builder.objectType('ReportRunV2Parameters', {
  description:
    'What a v2 run was started with. Each report defines its own parameters, so all but the interval are in `raw`.',
  interfaces: ['ReportRunParameters'],
});

builder.objectType('ReportRunResultOptions', {
  description: 'How the result of a v2 run was asked for.',
  fields: (t) => ({
    compressFile: t.exposeBoolean('compressFile', {
      nullable: true,
      description: 'Whether the file comes as a ZIP archive. Null if Stripe does not say.',
    }),
  }),
});
