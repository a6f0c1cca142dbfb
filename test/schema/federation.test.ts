import { composeServices } from '@apollo/composition';
import { buildSchema, type GraphQLObjectType, graphql, parse } from 'graphql';
import { expect, test } from 'vitest';
import { schema } from '../../src/schema/index.js';
import { contextFor, execute, knowing, runV1, runV2, services } from './support.js';

const ENTITIES = `query ($representations: [_Any!]!) {
  entities: _entities(representations: $representations) {
    __typename
    ... on ReportRun { id status reportType { id } }
    ... on ReportType { id name }
  }
}`;

test('it composes with a subgraph that adds a field to every run and has a node field of its own', async () => {
  const { data } = await graphql({ schema, source: '{ service: _service { sdl } }' });
  const sdl = String(Object(data?.['service']).sdl);
  const notes = `
    extend schema @link(url: "https://specs.apollo.dev/federation/v2.6", import: ["@key", "@interfaceObject", "@shareable"])
    interface Node { id: ID! }
    type Note implements Node @key(fields: "id") { id: ID! text: String! }
    type ReportRun @key(fields: "id") @interfaceObject { id: ID! notes(first: Int): NoteConnection! }
    type NoteConnection { nodes: [Note!]! pageInfo: PageInfo! }
    type PageInfo @shareable { hasNextPage: Boolean! hasPreviousPage: Boolean! startCursor: String endCursor: String }
    type Query { node(id: ID!): Node nodes(ids: [ID!]!): [Node]! }
  `;
  const composed = composeServices([
    { name: 'reports', url: 'http://reports.test', typeDefs: parse(sdl) },
    { name: 'notes', url: 'http://notes.test', typeDefs: parse(notes) },
  ]);
  expect(composed.errors ?? []).toEqual([]);
  const supergraph = buildSchema(composed.supergraphSdl ?? '', { assumeValid: true });
  for (const name of ['ReportRun', 'ReportRunV1', 'ReportRunV2']) {
    expect((supergraph.getType(name) as GraphQLObjectType).getFields()).toHaveProperty('notes');
  }
  expect(supergraph.getQueryType()?.getFields()['node']?.astNode?.directives?.map(print)).toEqual(['NOTES']);
});

test('a router gets runs and report types by their own type names and by their interfaces', async () => {
  const { services: given } = knowing([runV1('frr_1'), runV2('reprun_1', { status: 'FAILED' })]);
  const { data, errors } = await execute(given, ENTITIES, {
    representations: [
      { __typename: 'ReportRun', id: 'frr_1' },
      { __typename: 'ReportRun', id: 'reprun_1' },
      { __typename: 'ReportRunV1', id: 'frr_1' },
      { __typename: 'ReportRunV2', id: 'reprun_1' },
      { __typename: 'ReportType', id: 'report_fees' },
      { __typename: 'ReportTypeV1', id: 'balance.summary.1' },
      { __typename: 'ReportTypeV2', id: 'report_fees' },
    ],
  });
  const v1 = {
    __typename: 'ReportRunV1',
    id: 'frr_1',
    status: 'RUNNING',
    reportType: { id: 'balance.summary.1' },
  };
  const v2 = {
    __typename: 'ReportRunV2',
    id: 'reprun_1',
    status: 'FAILED',
    reportType: { id: 'report_fees' },
  };
  const fees = { __typename: 'ReportTypeV2', id: 'report_fees', name: 'Fees' };
  expect(errors).toEqual([]);
  expect(data.entities).toEqual([
    v1,
    v2,
    v1,
    v2,
    fees,
    { __typename: 'ReportTypeV1', id: 'balance.summary.1', name: 'Balance summary' },
    fees,
  ]);
});

test('a reference whose id is of another type, malformed or unknown gives null, and only the unknown one is read', async () => {
  const { services: given, asked } = knowing([runV1('frr_1'), runV2('reprun_1')]);
  const { data, errors } = await execute(given, ENTITIES, {
    representations: [
      { __typename: 'ReportRunV1', id: 'reprun_1' },
      { __typename: 'ReportRunV2', id: 'frr_1' },
      { __typename: 'ReportRun', id: 'report_fees' },
      { __typename: 'ReportType', id: 'frr_1' },
      { __typename: 'ReportTypeV1', id: 'report_fees' },
      { __typename: 'ReportTypeV2', id: 'balance.summary.1' },
      { __typename: 'ReportRun', id: '../frr_1' },
      { __typename: 'ReportRun', id: 7 },
      { __typename: 'ReportRun' },
      { __typename: 'ReportRun', id: 'frr_unknown' },
    ],
  });
  expect(errors).toEqual([]);
  expect(data.entities).toEqual(Array.from({ length: 10 }, () => null));
  expect(asked).toEqual(['frr_unknown']);
});

test('the same run as two types in one request leaves what the loader keeps untouched', async () => {
  const run = Object.freeze(runV1('frr_1'));
  const { services: given, asked } = knowing([run]);
  const context = contextFor(given);
  const { data, errors } = await execute(
    given,
    ENTITIES,
    {
      representations: [
        { __typename: 'ReportRun', id: 'frr_1' },
        { __typename: 'ReportRunV1', id: 'frr_1' },
      ],
    },
    context,
  );
  expect(errors).toEqual([]);
  expect(data.entities.map((entity: { id: string }) => entity.id)).toEqual(['frr_1', 'frr_1']);
  expect(asked).toEqual(['frr_1']);
  expect(Object.keys((await context.loaders.reportRun.load('frr_1')) ?? {})).not.toContain('__typename');
});

test('an upstream error of one reference leaves the others standing', async () => {
  const given = services({
    runs: { read: async (ids) => ids.map((id) => (id === 'frr_1' ? runV1(id) : new Error('boom'))) },
  });
  const { data, errors } = await execute(given, ENTITIES, {
    representations: [
      { __typename: 'ReportRun', id: 'frr_1' },
      { __typename: 'ReportRun', id: 'frr_2' },
    ],
  });
  expect(data.entities).toMatchObject([{ id: 'frr_1' }, null]);
  expect(errors).toMatchObject([{ code: 'INTERNAL_SERVER_ERROR', path: 'entities.1' }]);
});

test('more than 100 references, a reference to a type without a key and one without a type are refused unread', async () => {
  const many = Array.from({ length: 101 }, (_, index) => ({ __typename: 'ReportRun', id: `frr_${index}` }));
  const refused = async (representations: unknown) =>
    (await execute(services(), ENTITIES, { representations })).errors.map(
      ({ code, message }) => `${code}: ${message}`,
    );
  expect(await refused(many)).toEqual([
    'BAD_USER_INPUT: `representations` takes at most 100 of them, but has 101.',
  ]);
  for (const odd of [
    { __typename: 'ReportFile', id: 'frr_1' },
    { __typename: 'Nothing' },
    { id: 'frr_1' },
    'frr_1',
    7,
  ]) {
    expect(await refused([odd])).toEqual([
      expect.stringContaining('BAD_USER_INPUT: Each of `representations` needs'),
    ]);
  }
  const { services: given } = knowing([]);
  expect((await execute(given, ENTITIES, { representations: many.slice(1) })).errors).toEqual([]);
});

function print(directive: { arguments?: readonly { value: unknown }[] | undefined }): string {
  return String(Object(directive.arguments?.[0]?.value).value);
}
