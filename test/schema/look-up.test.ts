import { expect, test } from 'vitest';
import { UpstreamError } from '../../src/models/errors.js';
import { execute, knowing, runV1, runV2, services } from './support.js';

const MALFORMED = ['', 'frr_', 'frr_1/../2', 'reprun_ 1', 'FRR_1', 'ch_1', '.1', `frr_${'a'.repeat(300)}`];

test('a run, a report type and any node are found by their ids', async () => {
  const { services: given, asked } = knowing([runV1('frr_1'), runV2('reprun_1')]);
  const { data, errors } = await execute(
    given,
    `{
      reportRun(id: "frr_1") { __typename id }
      reportType(id: "balance.summary.1") { __typename id name }
      run: node(id: "reprun_1") { __typename id ... on ReportRun { api } }
      type: node(id: "report_fees") { __typename id ... on ReportType { name } }
    }`,
  );
  expect(errors).toEqual([]);
  expect(data).toEqual({
    reportRun: { __typename: 'ReportRunV1', id: 'frr_1' },
    reportType: { __typename: 'ReportTypeV1', id: 'balance.summary.1', name: 'Balance summary' },
    run: { __typename: 'ReportRunV2', id: 'reprun_1', api: 'V2' },
    type: { __typename: 'ReportTypeV2', id: 'report_fees', name: 'Fees' },
  });
  expect(asked.toSorted()).toEqual(['balance.summary.1', 'frr_1', 'report_fees', 'reprun_1']);
});

test('a well-formed id of nothing is null', async () => {
  const { data, errors } = await execute(
    knowing([]).services,
    '{ reportRun(id: "frr_9") { id } reportType(id: "no.such.1") { id } run: node(id: "frr_9") { id } type: node(id: "no.such.1") { id } }',
  );
  expect(errors).toEqual([]);
  expect(data).toEqual({ reportRun: null, reportType: null, run: null, type: null });
});

test('a malformed id is the client’s error, and nobody is asked', async () => {
  for (const field of ['reportRun', 'reportType', 'node']) {
    for (const id of MALFORMED) {
      const { data, errors } = await execute(services(), `query ($id: ID!) { ${field}(id: $id) { id } }`, {
        id,
      });
      expect(data).toEqual({ [field]: null });
      expect(errors).toMatchObject([{ code: 'BAD_USER_INPUT', path: field }]);
    }
  }
  const wrongKind = await execute(
    services(),
    '{ reportRun(id: "report_fees") { id } reportType(id: "frr_1") { id } }',
  );
  expect(wrongKind.errors.map(({ code }) => code)).toEqual(['BAD_USER_INPUT', 'BAD_USER_INPUT']);
});

test('nodes answers each id by itself: null for a malformed or unknown one, an error at the index of one that failed', async () => {
  const given = services({
    runs: {
      read: async (ids) =>
        ids.map((id) => {
          if (id === 'frr_down')
            return new UpstreamError('unavailable', 'Stripe is away.', { requestId: 'req_1' });
          return id === 'frr_1' ? runV1(id) : null;
        }),
    },
  });
  const { data, errors } = await execute(given, 'query ($ids: [ID!]!) { nodes(ids: $ids) { id } }', {
    ids: ['frr_1', 'garbage', 'frr_down', 'frr_unknown', 'frr_1', ''],
  });
  expect(data.nodes).toEqual([{ id: 'frr_1' }, null, null, null, { id: 'frr_1' }, null]);
  expect(errors).toEqual([
    {
      code: 'UPSTREAM_UNAVAILABLE',
      message: 'Stripe is away.',
      path: 'nodes.2',
      extensions: { code: 'UPSTREAM_UNAVAILABLE', stripeRequestId: 'req_1' },
    },
  ]);
});

test('nodes takes 100 ids and no more', async () => {
  const { services: given, asked } = knowing([]);
  const source = 'query ($ids: [ID!]!) { nodes(ids: $ids) { id } }';
  const ids = Array.from({ length: 101 }, (_, index) => `frr_${index}`);
  const { errors } = await execute(given, source, { ids });
  expect(errors).toMatchObject([
    { code: 'BAD_USER_INPUT', message: '`ids` takes at most 100 ids, but has 101.' },
  ]);
  expect(asked).toEqual([]);
  expect((await execute(given, source, { ids: ids.slice(1) })).errors).toEqual([]);
});

test('a query that names one run ten times asks for it once', async () => {
  const { services: given, asked } = knowing([runV1('frr_1')]);
  const fields = Array.from({ length: 10 }, (_, index) => `r${index}: reportRun(id: "frr_1") { id }`);
  await execute(given, `{ ${fields.join(' ')} again: node(id: "frr_1") { id } }`);
  expect(asked).toEqual(['frr_1']);
});

test('what is no error of ours stays masked', async () => {
  const given = services({ runs: { read: () => Promise.reject(new TypeError('secret')) } });
  expect((await execute(given, '{ reportRun(id: "frr_1") { id } }')).errors).toMatchObject([
    { code: 'INTERNAL_SERVER_ERROR' },
  ]);
});
