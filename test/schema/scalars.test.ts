import * as fc from 'fast-check';
import { assertScalarType, type GraphQLScalarType, parseValue } from 'graphql';
import { expect, test } from 'vitest';
import { schema } from '../../src/schema/index.js';
import { execute, services } from './support.js';

const scalar = (name: string): GraphQLScalarType => assertScalarType(schema.getType(name));
const DateTime = scalar('DateTime');

test('a DateTime that was given out is read back as the same instant', () => {
  fc.assert(
    fc.property(
      fc.date({ min: new Date(0), max: new Date('9999-12-31T23:59:59.999Z'), noInvalidDate: true }),
      (date) => {
        expect(DateTime.parseValue(DateTime.serialize(date.getTime()))).toBe(date.getTime());
      },
    ),
  );
});

test('a DateTime may have an offset and up to three digits of a fraction', () => {
  const instant = Date.parse('2026-01-31T12:00:00Z');
  for (const text of ['2026-01-31T12:00:00Z', '2026-01-31T13:30:00+01:30', '2026-01-31T04:00:00.0-08:00']) {
    expect(DateTime.parseValue(text)).toBe(instant);
  }
  expect(DateTime.parseValue('2026-01-31T12:00:00.12Z')).toBe(instant + 120);
  expect(DateTime.parseValue('2024-02-29T00:00:00Z')).toBe(Date.parse('2024-02-29T00:00:00Z'));
});

test('a DateTime without an offset, on no real day, finer than milliseconds or of another type is refused by its value', () => {
  const refused = [
    '2026-01-31T12:00:00',
    '2026-01-31',
    '2026-02-29T00:00:00Z',
    '2026-02-30T00:00:00Z',
    '2026-04-31T00:00:00Z',
    '2026-13-01T00:00:00Z',
    '2026-00-10T00:00:00Z',
    '2026-01-00T00:00:00Z',
    '2026-01-31T24:00:00Z',
    '2026-01-31T12:60:00Z',
    '2026-01-31T12:00:60Z',
    '2026-01-31T12:00:00.0000Z',
    '2026-01-31T12:00:00+25:00',
    '2026-01-31 12:00:00Z',
    ' 2026-01-31T12:00:00Z',
    'yesterday',
    '',
    1_769_860_800,
    null,
    {},
  ];
  for (const value of refused) {
    expect(() => DateTime.parseValue(value)).toThrow(
      expect.objectContaining({
        message: expect.stringContaining(`but got ${JSON.stringify(value)}.`),
        extensions: { code: 'BAD_USER_INPUT' },
      }),
    );
  }
});

test('a refused scalar is BAD_USER_INPUT, as a literal and as a variable, nested or not', async () => {
  const literal = await execute(
    services(),
    '{ reportRuns(filter: { createdAt: { start: "now" } }) { totalCount } }',
  );
  expect(literal.errors).toMatchObject([
    { code: 'BAD_USER_INPUT', message: expect.stringContaining('"now"') },
  ]);
  const variable = await execute(
    services(),
    'query ($filter: ReportRunFilter) { reportRuns(filter: $filter) { totalCount } }',
    { filter: { createdAt: { end: '2026-02-30T00:00:00Z' } } },
  );
  expect(variable.errors).toMatchObject([
    { code: 'BAD_USER_INPUT', message: expect.stringMatching(/\$filter.*createdAt\.end.*2026-02-30/) },
  ]);
});

test('a JSONObject is any JSON object, the same from a literal and from a variable', () => {
  const Json = scalar('JSONObject');
  fc.assert(
    fc.property(fc.dictionary(fc.string(), fc.jsonValue({ maxDepth: 5 })), (value) => {
      const plain = JSON.parse(JSON.stringify(value));
      expect(Json.parseValue(plain)).toEqual(plain);
    }),
  );
  expect(Json.parseLiteral(parseValue('{ a: [1, 2.5, "x", true, null, { b: {} }] }'))).toStrictEqual({
    a: [1, 2.5, 'x', true, null, { b: {} }],
  });
  expect(Json.parseLiteral(parseValue('{ a: $x, b: [$x] }'), { x: null })).toStrictEqual({
    a: null,
    b: [null],
  });
});

test('a JSONObject is neither a list, a scalar, nor deeper than 20 levels', () => {
  const Json = scalar('JSONObject');
  const nested = (levels: number): object => (levels === 1 ? {} : { a: nested(levels - 1) });
  const listed = (levels: number): unknown => (levels === 0 ? 1 : [listed(levels - 1)]);
  for (const value of [
    [],
    'a',
    1,
    true,
    null,
    nested(21),
    { a: listed(20) },
    { a: Number.POSITIVE_INFINITY },
  ]) {
    expect(() => Json.parseValue(value)).toThrow(
      expect.objectContaining({ extensions: { code: 'BAD_USER_INPUT' } }),
    );
  }
  expect(Json.parseValue(nested(20))).toEqual(nested(20));
  expect(Json.parseValue({ a: listed(19) })).toEqual({ a: listed(19) });
  expect(() => Json.parseLiteral(parseValue('{ a: 1e999 }'))).toThrow(/JSON value/);
});

test('a BigInt is a string of digits within 64 bits', () => {
  const Big = scalar('BigInt');
  expect(Big.serialize(9_223_372_036_854_775_807n)).toBe('9223372036854775807');
  expect(Big.parseValue('-9223372036854775808')).toBe(-9_223_372_036_854_775_808n);
  for (const value of ['9223372036854775808', '1.5', '', '0x10', 1, null]) {
    expect(() => Big.parseValue(value)).toThrow(
      expect.objectContaining({ extensions: { code: 'BAD_USER_INPUT' } }),
    );
  }
});

test('a URL is absolute', () => {
  expect(scalar('URL').parseValue('https://example.com/a')).toBe('https://example.com/a');
  for (const value of ['/a', 'example.com', '', 1]) {
    expect(() => scalar('URL').parseValue(value)).toThrow(
      expect.objectContaining({ extensions: { code: 'BAD_USER_INPUT' } }),
    );
  }
});
