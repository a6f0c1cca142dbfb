import { resolveReportType } from '../resolvers/entities.js';
import {
  listReportTypes,
  readReportType,
  readReportTypeName,
  readV1,
  readV2,
} from '../resolvers/report-type.js';
import { builder } from './builder.js';
import { StripeApi } from './enums.js';

const ReportType = builder.interfaceType('ReportType', {
  description: 'What a run can be made of: a report type of v1 or a report of v2.',
  interfaces: [builder.nodeInterfaceRef()],
  resolveType: (type) => `ReportType${type.api}`,
  fields: (t) => ({
    id: t.exposeID('id', {
      description: 'Stripe’s own id: like `balance.summary.1` in v1, `report_…` in v2.',
    }),
    name: t.string({
      nullable: true,
      description: 'What Stripe calls it for people to read. Null if Stripe no longer has it.',
      resolve: readReportTypeName,
    }),
  }),
});

const ReportTypeV1 = builder.objectType('ReportTypeV1', {
  description:
    'A report type of v1. All but its id is null where Stripe no longer has it, though runs of it remain.',
  // The later interface's `id` counts, and Node's own cannot be resolved.
  interfaces: [builder.nodeInterfaceRef(), 'ReportType'],
  fields: (t) => ({
    version: t.int({
      nullable: true,
      description:
        'The last part of the id: a later version has other columns. Null if Stripe no longer has the type.',
      resolve: readV1((type) => type.version),
    }),
    dataAvailableStart: t.field({
      type: 'DateTime',
      nullable: true,
      description:
        'The earliest `intervalStart` a run may have; it is included. Null if Stripe no longer has the type.',
      resolve: readV1((type) => type.dataAvailableStart),
    }),
    dataAvailableEnd: t.field({
      type: 'DateTime',
      nullable: true,
      description:
        'The latest `intervalEnd` a run may have; it is included, and moves on about twice a day. Null if Stripe no longer has the type.',
      resolve: readV1((type) => type.dataAvailableEnd),
    }),
    updatedAt: t.field({
      type: 'DateTime',
      nullable: true,
      description: 'When new data last became available. Null if Stripe no longer has the type.',
      resolve: readV1((type) => type.updatedAt),
    }),
    defaultColumns: t.stringList({
      nullable: true,
      description:
        'The columns a file has unless others are chosen, in their order. Null if columns cannot be chosen, and if Stripe no longer has the type.',
      resolve: readV1((type) => type.defaultColumns),
    }),
  }),
});

const ReportTypeV2 = builder.objectType('ReportTypeV2', {
  description:
    'A report of v2. Stripe cannot list them, so the gateway knows those it has seen in runs or was told of.',
  interfaces: [builder.nodeInterfaceRef(), 'ReportType'],
  fields: (t) => ({
    parameterDefinitions: t.field({
      type: ['ReportParameterDefinition'],
      nullable: true,
      description: 'The parameters a run of it takes. Null if Stripe no longer has the report.',
      resolve: readV2((type) => type.parameterDefinitions),
    }),
  }),
});

builder.asEntity(ReportType, {
  key: builder.selection<{ id: string }>('id'),
  resolveReference: resolveReportType(null),
});
builder.asEntity(ReportTypeV1, {
  key: builder.selection<{ id: string }>('id'),
  resolveReference: resolveReportType('V1'),
});
builder.asEntity(ReportTypeV2, {
  key: builder.selection<{ id: string }>('id'),
  resolveReference: resolveReportType('V2'),
});

builder.objectType('ReportParameterDefinition', {
  description: 'One parameter a v2 report takes.',
  fields: (t) => ({
    name: t.exposeString('name', { description: 'The key under which `parameters` takes the value.' }),
    description: t.exposeString('description', {
      nullable: true,
      description: 'What it is for, as Stripe explains it. Null if Stripe does not.',
    }),
    required: t.exposeBoolean('required', { description: 'Whether a run cannot be started without it.' }),
    valueType: t.exposeString('valueType', {
      description:
        'Stripe’s word for what it takes: `array`, `enum`, `string` or `timestamp`, and what it adds later.',
    }),
    allowedValues: t.exposeStringList('allowedValues', {
      nullable: true,
      description: 'The values it takes; for an array, its items. Null if they are not a closed set.',
    }),
    minimum: t.expose('minimum', {
      type: 'DateTime',
      nullable: true,
      description:
        'The earliest instant a timestamp may be; it is included. Null for other types and where there is no bound.',
    }),
    maximum: t.expose('maximum', {
      type: 'DateTime',
      nullable: true,
      description:
        'The latest instant a timestamp may be; it is included. Null for other types and where there is no bound.',
    }),
  }),
});

const ReportTypeFilter = builder.inputType('ReportTypeFilter', {
  description: 'Which report types to show. What is left out or null lets all through.',
  fields: (t) => ({ api: t.field({ type: StripeApi, description: 'Only those of this API.' }) }),
});

builder.queryFields((t) => ({
  reportType: t.field({
    type: 'ReportType',
    nullable: true,
    description:
      'A report type or report by its id. Null if Stripe has none of that id; a malformed id is BAD_USER_INPUT.',
    args: {
      id: t.arg.id({ required: true, description: 'Like `balance.summary.1` in v1, `report_…` in v2.' }),
    },
    resolve: readReportType,
  }),
  reportTypes: t.field({
    type: ['ReportType'],
    nullable: true,
    description:
      'What runs can be made of: all report types of v1, and the reports of v2 that the gateway has seen in runs or was told of. Null, with an error, if Stripe cannot be asked.',
    args: { filter: t.arg({ type: ReportTypeFilter, description: 'Null shows all of them.' }) },
    resolve: listReportTypes,
  }),
}));
