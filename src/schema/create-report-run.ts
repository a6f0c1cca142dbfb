import { createReportRun } from '../resolvers/create-report-run.js';
import { builder } from './builder.js';

const KEY =
  'A key of your own for this run, 1 to 255 printable ASCII characters. Repeating the mutation with it gives the same run instead of starting another. Null has one made.';

const ReportRunV1ParametersInput = builder.inputType('ReportRunV1ParametersInput', {
  description: 'What a v1 run can be told. Which of it is needed or taken depends on the report type.',
  fields: (t) => ({
    intervalStart: t.field({
      type: 'DateTime',
      description:
        'The first instant to report on; it is included. Whole seconds, within the data the type has.',
    }),
    intervalEnd: t.field({
      type: 'DateTime',
      description:
        'The end of what to report on; it is not included. Whole seconds, within the data the type has.',
    }),
    columns: t.stringList({
      description: 'The columns of the file, in this order. Null takes the type’s default ones.',
    }),
    connectedAccount: t.string({ description: 'Only rows of this connected account, `acct_…`.' }),
    currency: t.string({ description: 'Only rows in this currency, ISO 4217 in lower case.' }),
    payout: t.string({ description: 'The payout to report on, `po_…`, for types that are about one.' }),
    reportingCategory: t.string({
      description: 'Only rows of this reporting category of Stripe’s, such as `charge`.',
    }),
    timezone: t.string({
      description:
        'The IANA time zone in which times are written in the file. It does not move the interval. Null means `Etc/UTC`.',
    }),
    other: t.field({
      type: 'JSONObject',
      description:
        'Parameters Stripe documents that have no field here, under Stripe’s names, such as `decimal_separator`. Values are strings, numbers, booleans or lists of these.',
    }),
  }),
});

const CreateReportRunV1Input = builder.inputType('CreateReportRunV1Input', {
  description: 'A run to start in Stripe’s v1 API.',
  fields: (t) => ({
    reportType: t.id({ required: true, description: 'The report type to run, such as `balance.summary.1`.' }),
    parameters: t.field({ type: ReportRunV1ParametersInput, description: 'Null starts it without any.' }),
    idempotencyKey: t.string({ description: KEY }),
  }),
});

const ReportRunResultOptionsInput = builder.inputType('ReportRunResultOptionsInput', {
  description: 'How to give the result of a v2 run.',
  fields: (t) => ({
    compressFile: t.boolean({
      required: true,
      defaultValue: false,
      description: 'True to get the file as a ZIP archive, which is smaller.',
    }),
  }),
});

const CreateReportRunV2Input = builder.inputType('CreateReportRunV2Input', {
  description: 'A run to start in Stripe’s v2 API.',
  fields: (t) => ({
    report: t.id({ required: true, description: 'The report to run, `report_…`.' }),
    parameters: t.field({
      type: 'JSONObject',
      description:
        'What the report is told, by the names in its `parameterDefinitions`; instants as ISO 8601 strings. Null starts it without any.',
    }),
    resultOptions: t.field({
      type: ReportRunResultOptionsInput,
      description: 'Null leaves the form of the result to Stripe.',
    }),
    idempotencyKey: t.string({ description: KEY }),
    waitForSlot: t.int({
      required: true,
      defaultValue: 0,
      description:
        'How long, in seconds, to wait for another run to end if Stripe runs as many of the key’s reports as it does at a time; 0 to 30. Then the answer is a ConcurrentRunLimitError.',
    }),
  }),
});

const CreateReportRunInput = builder.inputType('CreateReportRunInput', {
  description: 'The run to start: exactly one of the two.',
  isOneOf: true,
  fields: (t) => ({
    v1: t.field({ type: CreateReportRunV1Input, description: 'Start it in v1.' }),
    v2: t.field({ type: CreateReportRunV2Input, description: 'Start it in v2.' }),
  }),
});

builder.objectType('CreateReportRunPayload', {
  description: 'Either the run, or what to correct before trying again.',
  fields: (t) => ({
    reportRun: t.expose('reportRun', {
      type: 'ReportRun',
      nullable: true,
      description: 'The run as Stripe accepted it, most likely RUNNING. Null if there are `userErrors`.',
    }),
    userErrors: t.expose('userErrors', {
      type: ['UserError'],
      description: 'Everything that has to be corrected. Empty if the run was started.',
    }),
  }),
});

builder.mutationField('createReportRun', (t) =>
  t.field({
    type: 'CreateReportRunPayload',
    description:
      'Starts a run. What can be corrected is in `userErrors`; what cannot is a top-level error. One with `extensions.outcome` UNKNOWN means that the run may have been started: repeat the mutation with the `extensions.idempotencyKey` it names to get that run.',
    args: {
      input: t.arg({
        type: CreateReportRunInput,
        required: true,
        description: 'What to run, and in which API.',
      }),
    },
    resolve: createReportRun,
  }),
);
