import { type ExecutionResult, type GraphQLError, graphql } from 'graphql';
import { pino } from 'pino';
import type { Context, Services } from '../../src/context.js';
import type { ReportRun, ReportRunV1, ReportRunV2 } from '../../src/models/report-run.js';
import type { ReportTypeV1, ReportTypeV2 } from '../../src/models/report-type.js';
import { createLoaders, schema } from '../../src/schema/index.js';
import { createMaskError } from '../../src/server/errors.js';

export const CREATED = Date.parse('2026-10-01T12:00:00Z');

export function runV1(id: string, rest: Partial<ReportRunV1> = {}): ReportRunV1 {
  return {
    api: 'V1',
    id,
    livemode: false,
    status: 'RUNNING',
    createdAt: CREATED,
    finishedAt: null,
    reportTypeId: 'balance.summary.1',
    result: null,
    failure: null,
    succeededAt: null,
    parameters: {
      intervalStart: null,
      intervalEnd: null,
      raw: {},
      columns: null,
      connectedAccount: null,
      currency: null,
      payout: null,
      reportingCategory: null,
      timezone: null,
    },
    ...rest,
  };
}

export function runV2(id: string, rest: Partial<ReportRunV2> = {}): ReportRunV2 {
  return {
    api: 'V2',
    id,
    livemode: false,
    status: 'RUNNING',
    createdAt: CREATED,
    finishedAt: null,
    reportTypeId: 'report_fees',
    reportName: 'Fees',
    result: null,
    failure: null,
    resultOptions: null,
    parameters: { intervalStart: null, intervalEnd: null, raw: {} },
    ...rest,
  };
}

export const SUMMARY: ReportTypeV1 = {
  api: 'V1',
  id: 'balance.summary.1',
  name: 'Balance summary',
  version: 1,
  dataAvailableStart: Date.parse('2026-01-01T00:00:00Z'),
  dataAvailableEnd: Date.parse('2026-10-01T00:00:00Z'),
  updatedAt: CREATED,
  defaultColumns: null,
};

export const FEES: ReportTypeV2 = {
  api: 'V2',
  id: 'report_fees',
  name: 'Fees',
  parameterDefinitions: [
    timestamp('interval_start'),
    timestamp('interval_end'),
    {
      ...timestamp('currency'),
      required: false,
      valueType: 'enum',
      allowedValues: ['eur', 'usd'],
      minimum: null,
      maximum: null,
    },
    {
      ...timestamp('columns'),
      required: false,
      valueType: 'array',
      allowedValues: ['id', 'fee'],
      minimum: null,
      maximum: null,
    },
  ],
};

function timestamp(name: string): ReportTypeV2['parameterDefinitions'][number] {
  return {
    name,
    description: null,
    required: true,
    valueType: 'timestamp',
    allowedValues: null,
    minimum: Date.parse('2026-01-01T00:00:00Z'),
    maximum: Date.parse('2026-10-01T00:00:00Z'),
  };
}

/** A double of the port the resolvers call. Every call a test has not provided for fails it. */
export function services(
  rest: Partial<Omit<Services, 'runs' | 'reportTypes'>> & {
    readonly runs?: Partial<Services['runs']>;
    readonly reportTypes?: Partial<Services['reportTypes']>;
  } = {},
): Services {
  const unexpected = (): never => {
    throw new Error('This call was not expected.');
  };
  return {
    account: 'acct_1:test',
    hasBegun: () => Promise.resolve(false),
    createReportRun: unexpected,
    files: { sign: unexpected },
    rows: { page: unexpected, columns: unexpected, count: unexpected },
    ...rest,
    runs: {
      read: unexpected,
      page: unexpected,
      count: unexpected,
      follow: unexpected,
      outlook: unexpected,
      followAll: unexpected,
      upstream: unexpected,
      ...rest.runs,
    },
    reportTypes: { read: unexpected, list: unexpected, ...rest.reportTypes },
  };
}

/** Services that know these runs, and SUMMARY and FEES. `asked` records what reached them. */
export function knowing(runs: readonly ReportRun[]): { services: Services; asked: string[] } {
  const asked: string[] = [];
  const found = new Map(runs.map((run) => [run.id, run]));
  return {
    asked,
    services: services({
      runs: {
        read: async (ids) => {
          asked.push(...ids);
          return ids.map((id) => found.get(id) ?? null);
        },
      },
      reportTypes: {
        read: async (id) => {
          asked.push(id);
          return [SUMMARY, FEES].find((type) => type.id === id) ?? null;
        },
      },
    }),
  };
}

export function contextFor(given: Services): Context {
  return {
    services: given,
    origin: 'http://127.0.0.1:4000',
    loaders: createLoaders(given),
    reportUpstream: false,
    rowPages: 0,
    rowCharacters: 0,
    gone: new AbortController().signal,
  };
}

export interface Answer {
  // biome-ignore lint/suspicious/noExplicitAny: answers have the shape of their query
  readonly data: any;
  readonly errors: readonly {
    code: string;
    message: string;
    path: string | undefined;
    extensions: object;
  }[];
}

/** Runs an operation, with errors as the server shows them. */
export async function execute(
  given: Services,
  source: string,
  variableValues: Record<string, unknown> = {},
  contextValue: Context = contextFor(given),
): Promise<Answer> {
  return toAnswer(await graphql({ schema, source, variableValues, contextValue }));
}

export function toAnswer({ data, errors }: ExecutionResult): Answer {
  return {
    data: data === undefined ? undefined : JSON.parse(JSON.stringify(data)),
    errors: (errors ?? []).map(shown),
  };
}

const maskError = createMaskError(pino({ level: 'silent' }));

function shown(error: GraphQLError): Answer['errors'][number] {
  const { message, extensions } = maskError(error);
  return { code: String(extensions['code']), message, path: error.path?.join('.'), extensions };
}
