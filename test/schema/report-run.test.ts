import { expect, test } from 'vitest';
import { UpstreamError } from '../../src/models/errors.js';
import type { Services } from '../../src/context.js';
import { CREATED, contextFor, execute, FEES, knowing, runV1, runV2, SUMMARY, services } from './support.js';

const RUN = `query ($id: ID!) {
  reportRun(id: $id) {
    __typename id api livemode status createdAt finishedAt
    reportType { __typename id name }
    parameters { __typename intervalStart intervalEnd raw }
    result { type file { contentType size filename fileId title createdAt expiresAt } }
    failure { code message }
    ... on ReportRunV1 {
      succeededAt
      v1: parameters { columns connectedAccount currency payout reportingCategory timezone }
      v1Type: reportType { version dataAvailableStart dataAvailableEnd updatedAt defaultColumns }
    }
    ... on ReportRunV2 {
      resultOptions { compressFile }
      v2Type: reportType {
        parameterDefinitions { name description required valueType allowedValues minimum maximum }
      }
    }
  }
}`;
const AT = '2026-10-01T12:00:00.000Z';

test('every attribute of a v1 run can be asked for', async () => {
  const run = runV1('frr_1', {
    status: 'SUCCEEDED',
    finishedAt: CREATED + 1,
    succeededAt: CREATED + 1,
    parameters: {
      intervalStart: CREATED,
      intervalEnd: CREATED + 1000,
      raw: { interval_start: 1, columns: ['net'], decimal_separator: ',' },
      columns: ['net'],
      connectedAccount: 'acct_2',
      currency: 'eur',
      payout: 'po_1',
      reportingCategory: 'charge',
      timezone: 'Etc/UTC',
    },
    result: {
      type: 'FILE',
      file: {
        runId: 'frr_1',
        contentType: 'CSV',
        size: 9_007_199_254_740_993n,
        filename: 'a.csv',
        fileId: 'file_1',
        title: 'A',
        createdAt: CREATED,
        expiresAt: CREATED,
      },
    },
  });
  const { data, errors } = await execute(knowing([run]).services, RUN, { id: 'frr_1' });
  expect(errors).toEqual([]);
  expect(data.reportRun).toEqual({
    __typename: 'ReportRunV1',
    id: 'frr_1',
    api: 'V1',
    livemode: false,
    status: 'SUCCEEDED',
    createdAt: AT,
    finishedAt: '2026-10-01T12:00:00.001Z',
    succeededAt: '2026-10-01T12:00:00.001Z',
    reportType: { __typename: 'ReportTypeV1', id: 'balance.summary.1', name: 'Balance summary' },
    parameters: {
      __typename: 'ReportRunV1Parameters',
      intervalStart: AT,
      intervalEnd: '2026-10-01T12:00:01.000Z',
      raw: { interval_start: 1, columns: ['net'], decimal_separator: ',' },
    },
    result: {
      type: 'FILE',
      file: {
        contentType: 'CSV',
        size: '9007199254740993',
        filename: 'a.csv',
        fileId: 'file_1',
        title: 'A',
        createdAt: AT,
        expiresAt: AT,
      },
    },
    failure: null,
    v1: {
      columns: ['net'],
      connectedAccount: 'acct_2',
      currency: 'eur',
      payout: 'po_1',
      reportingCategory: 'charge',
      timezone: 'Etc/UTC',
    },
    v1Type: {
      version: 1,
      dataAvailableStart: '2026-01-01T00:00:00.000Z',
      dataAvailableEnd: '2026-10-01T00:00:00.000Z',
      updatedAt: AT,
      defaultColumns: null,
    },
  });
});

test('every attribute of a v2 run can be asked for', async () => {
  const run = runV2('reprun_1', {
    status: 'FAILED',
    failure: { code: 'file_size_above_limit', message: 'The file is too large.' },
    resultOptions: { compressFile: true },
  });
  const { data, errors } = await execute(knowing([run]).services, RUN, { id: 'reprun_1' });
  expect(errors).toEqual([]);
  expect(data.reportRun).toEqual({
    __typename: 'ReportRunV2',
    id: 'reprun_1',
    api: 'V2',
    livemode: false,
    status: 'FAILED',
    createdAt: AT,
    finishedAt: null,
    reportType: { __typename: 'ReportTypeV2', id: 'report_fees', name: 'Fees' },
    parameters: { __typename: 'ReportRunV2Parameters', intervalStart: null, intervalEnd: null, raw: {} },
    result: null,
    failure: { code: 'file_size_above_limit', message: 'The file is too large.' },
    resultOptions: { compressFile: true },
    v2Type: {
      parameterDefinitions: FEES.parameterDefinitions.map((definition) => ({
        ...definition,
        minimum: definition.minimum === null ? null : new Date(definition.minimum).toISOString(),
        maximum: definition.maximum === null ? null : new Date(definition.maximum).toISOString(),
      })),
    },
  });
});

test('the report type’s id, and in v2 its name, need no call; the rest is read once', async () => {
  const { services: given, asked } = knowing([runV1('frr_1'), runV2('reprun_1')]);
  const free = await execute(
    given,
    '{ a: reportRun(id: "frr_1") { reportType { id } } b: reportRun(id: "reprun_1") { reportType { id name } } }',
  );
  expect(free.data).toEqual({
    a: { reportType: { id: 'balance.summary.1' } },
    b: { reportType: { id: 'report_fees', name: 'Fees' } },
  });
  expect(asked).toEqual(['frr_1', 'reprun_1']);
  await execute(given, RUN, { id: 'frr_1' });
  expect(asked).toEqual(['frr_1', 'reprun_1', 'frr_1', 'balance.summary.1']);
});

test('a run of a report type that is gone or cannot be read keeps the rest of its fields', async () => {
  const gone = services({
    runs: { read: async () => [runV1('frr_1')] },
    reportTypes: { read: async () => null },
  });
  const source = '{ reportRun(id: "frr_1") { id reportType { id name ... on ReportTypeV1 { version } } } }';
  const expected = {
    reportRun: { id: 'frr_1', reportType: { id: 'balance.summary.1', name: null, version: null } },
  };
  expect(await execute(gone, source)).toEqual({ data: expected, errors: [] });
  const away = services({
    runs: { read: async () => [runV1('frr_1')] },
    reportTypes: { read: () => Promise.reject(new UpstreamError('unavailable', 'Stripe is away.')) },
  });
  const { data, errors } = await execute(away, source);
  expect(data).toEqual(expected);
  expect(errors.map(({ code, path }) => `${code} ${path}`)).toEqual([
    'UPSTREAM_UNAVAILABLE reportRun.reportType.name',
    'UPSTREAM_UNAVAILABLE reportRun.reportType.version',
  ]);
});

test('the catalogue is listed with one call, its fields included', async () => {
  const listed: unknown[] = [];
  const given = services({
    reportTypes: {
      list: async (api) => {
        listed.push(api);
        return api === 'V2' ? [FEES] : [SUMMARY, FEES];
      },
    },
  });
  const source = `query ($filter: ReportTypeFilter) { reportTypes(filter: $filter) {
    id name ... on ReportTypeV1 { version } ... on ReportTypeV2 { parameterDefinitions { name } }
  } }`;
  const { data, errors } = await execute(given, source);
  expect(errors).toEqual([]);
  expect(data.reportTypes).toMatchObject([
    { id: 'balance.summary.1', name: 'Balance summary', version: 1 },
    {
      id: 'report_fees',
      name: 'Fees',
      parameterDefinitions: FEES.parameterDefinitions.map(({ name }) => ({ name })),
    },
  ]);
  expect((await execute(given, source, { filter: { api: 'V2' } })).data.reportTypes).toHaveLength(1);
  expect((await execute(given, source, { filter: { api: null } })).data.reportTypes).toHaveLength(2);
  expect(listed).toEqual([null, 'V2', null]);
});

test('a download link is signed for the time that was asked for, under the origin the client used', async () => {
  const signed: unknown[] = [];
  const file = { runId: 'reprun_1', contentType: 'ZIP', size: 1n, filename: null, fileId: null } as const;
  const run = runV2('reprun_1', {
    status: 'SUCCEEDED',
    result: { type: 'FILE', file: { ...file, title: null, createdAt: null, expiresAt: null } },
  });
  const given: Services = {
    ...knowing([run]).services,
    files: {
      sign: (runId, expiresIn) => {
        signed.push([runId, expiresIn]);
        return { path: `/files/${runId}?signature=abc`, expiresAt: CREATED };
      },
    },
  };
  const context = () => ({ ...contextFor(given), origin: 'https://reports.example' });
  const link = (argument: string) =>
    execute(
      given,
      `{ reportRun(id: "reprun_1") { result { file { downloadUrl${argument} { url expiresAt } } } } }`,
      {},
      context(),
    );
  for (const [argument, seconds] of [
    ['', 300],
    ['(expiresIn: null)', 300],
    ['(expiresIn: 10)', 10],
    ['(expiresIn: 86400)', 86_400],
  ] as const) {
    const { data, errors } = await link(argument);
    expect(errors).toEqual([]);
    expect(data.reportRun.result.file.downloadUrl).toEqual({
      url: 'https://reports.example/files/reprun_1?signature=abc',
      expiresAt: AT,
    });
    expect(signed.at(-1)).toEqual(['reprun_1', seconds]);
  }
  for (const seconds of [9, -1, 0, 86_401]) {
    const { errors } = await link(`(expiresIn: ${seconds})`);
    expect(errors).toMatchObject([
      {
        code: 'BAD_USER_INPUT',
        message: `\`expiresIn\` must be between 10 and 86400 seconds, but is ${seconds}.`,
      },
    ]);
  }
  expect(signed).toHaveLength(4);
});
