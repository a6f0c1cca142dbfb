import type { ReportColumnType as ColumnType } from '../models/report-rows.js';
import { cellsOf, columnsOf, countRows, listRows, valuesOf } from '../resolvers/report-rows.js';
import { builder } from './builder.js';

const ReportColumnType = builder.enumType('ReportColumnType', {
  description: 'What Stripe says a column holds. Cells are text whatever it is.',
  values: {
    BOOLEAN: { description: '`true` or `false`.' },
    DOUBLE: {
      description:
        'A decimal number, such as an amount in major units (`10.00`). Read it with a decimal type: a floating-point number can lose digits that the cell has.',
    },
    BIGINT: { description: 'A whole number of up to 64 bits.' },
    VARCHAR: { description: 'Text of any length.' },
    TIMESTAMP: { description: 'A date and time, in the time zone that the column’s name or the run says.' },
  } satisfies Record<ColumnType, { readonly description: string }>,
});

builder.objectType('ReportColumn', {
  description: 'A column of a report’s file.',
  fields: (t) => ({
    name: t.exposeString('name', {
      description: 'As the file has it. Two columns can have the same name.',
    }),
    type: t.expose('type', {
      type: ReportColumnType,
      nullable: true,
      description:
        'What the column holds. v2 says so itself; in v1 the gateway knows the documented columns, and it is null for others.',
    }),
  }),
});

builder.objectType('ReportRow', {
  description: 'A row of a report’s file.',
  fields: (t) => ({
    cells: t.stringList({
      description:
        'One per column, in their order, exactly as they stand in the file: numbers have all their digits and the decimal separator the run was started with, amounts are in major units. An empty cell is "". Bytes that are not UTF-8 are shown as U+FFFD.',
      resolve: cellsOf,
    }),
    values: t.field({
      type: 'JSONObject',
      description:
        'The same cells by the names of their columns, all of them strings. Where names are the same, the second has `_2` behind it, the third `_3`.',
      resolve: valuesOf,
    }),
  }),
});

builder.objectType('ReportRowEdge', {
  description: 'A row and its place in the file.',
  fields: (t) => ({
    cursor: t.exposeString('cursor', {
      description:
        'The place behind this row, for `after`. It works with this file only, and does not expire.',
    }),
    node: t.expose('node', { type: 'ReportRow', description: 'The row itself.' }),
  }),
});

builder.objectType('ReportRowConnection', {
  description: 'A page of rows, in the order of the file.',
  fields: (t) => ({
    edges: t.field({
      type: ['ReportRowEdge'],
      description: 'The rows of this page, each with its cursor.',
      resolve: ({ edges }) => edges,
    }),
    nodes: t.field({
      type: ['ReportRow'],
      description: 'The rows of this page without their cursors.',
      resolve: ({ edges }) => edges.map(({ node }) => node),
    }),
    pageInfo: t.field({
      type: builder.pageInfoRef(),
      description: 'Whether there is more, and where to go on.',
      resolve: ({ pageInfo }) => pageInfo,
    }),
  }),
});

builder.objectFields('ReportFile', (t) => ({
  columns: t.field({
    type: ['ReportColumn'],
    nullable: true,
    description:
      'The file’s columns, in their order; empty if the file is. Read from Stripe when first asked for, then remembered. Null, with an error, if they cannot be had.',
    resolve: columnsOf,
  }),
  rows: t.field({
    type: 'ReportRowConnection',
    nullable: true,
    description:
      'The file’s rows without its header, in their order, read without downloading the whole file: a page costs a page. A compressed file is the exception: each page unzips it from its beginning, 256 MB at most, beyond which it is ROWS_UNAVAILABLE. A page ends early at 4 MB, with `hasNextPage` true. Empty lines are left out unless there is just one column. ROWS_UNAVAILABLE, with the line in `extensions.line`, if a row of the page is not valid CSV, has another number of cells than the header, or is longer than 2,000,000 characters; and if the file is neither CSV nor a ZIP of one CSV. At most 20 pages in one operation, and 16,000,000 characters of cells and values. Null, with an error, if it cannot be given.',
    args: {
      first: t.arg.int({ defaultValue: 20, description: 'How many rows: 1 to 1000. Null means 20.' }),
      after: t.arg.string({
        description:
          'Only what comes after this cursor, which is not included. Null begins with the first row.',
      }),
    },
    resolve: listRows,
  }),
  rowCount: t.field({
    type: 'BigInt',
    nullable: true,
    description:
      'How many rows `rows` gives. Known once somebody has read them to the end, and counted when asked for if the file is small: up to 1 MB, or 100 kB compressed. Null otherwise.',
    resolve: countRows,
  }),
}));
