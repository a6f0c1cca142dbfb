import { describe, expect, it } from 'vitest';
import { readInstant } from '../../src/datasources/decode.js';
import { decodeReportTypeV1, decodeReportTypeV2 } from '../../src/datasources/decode-report-type.js';
import type { JsonValue } from '../../src/models/json.js';
import { reportTypeV1 } from './samples.js';

describe('an instant', () => {
  it.each<[JsonValue, number | null]>([
    [1680203749, 1_680_203_749_000],
    ['1680203749', 1_680_203_749_000],
    ['2026-10-05T21:01:11.504756927Z', Date.UTC(2026, 9, 5, 21, 1, 11, 504)],
    ['2026-10-05T21:01:11.9999999Z', Date.UTC(2026, 9, 5, 21, 1, 11, 999)],
    ['2026-10-05T21:01:11.5Z', Date.UTC(2026, 9, 5, 21, 1, 11, 500)],
    ['2026-10-05T21:01:11+02:00', Date.UTC(2026, 9, 5, 19, 1, 11)],
    ['2026-10-05', Date.UTC(2026, 9, 5)],
    ['2026-10-05T21:01:11', null],
    ['2026-13-05T21:01:11Z', null],
    ['yesterday', null],
    [-1, null],
    [1e300, null],
    [null, null],
    [{}, null],
  ])('%j is %d', (value, instant) => {
    expect(readInstant(value)).toBe(instant);
  });
});

describe('a report type', () => {
  it('of v1 has its availability in ms, and columns or null', () => {
    expect(decodeReportTypeV1(reportTypeV1)).toEqual({
      api: 'V1',
      id: 'balance.summary.1',
      name: 'Balance summary',
      version: 1,
      dataAvailableStart: 1_667_952_000_000,
      dataAvailableEnd: 1_695_081_600_000,
      updatedAt: 1_695_109_133_000,
      defaultColumns: ['category', 'description', 'net_amount', 'currency'],
    });
    expect(decodeReportTypeV1({ ...reportTypeV1, default_columns: null }).defaultColumns).toBeNull();
    expect(() => decodeReportTypeV1({ ...reportTypeV1, data_available_end: null })).toThrow(
      'data_available_end',
    );
  });

  it('of v2 has its parameters, though the details of other types may be null or false', () => {
    const none = { array_details: null, enum_details: null, timestamp_details: null };
    const parameters = {
      columns: {
        ...none,
        array_details: { element_type: 'enum', enum_details: { allowed_values: ['column_1', 'column_2'] } },
        description: 'Set of output columns.',
        enum_details: false,
        required: true,
        type: 'array',
      },
      interval_end: {
        ...none,
        description: '',
        required: true,
        timestamp_details: { max: '2025-08-26T14:00:00.000Z', min: '2025-03-11T00:00:00.000Z' },
        type: 'timestamp',
      },
      category: { ...none, enum_details: { allowed_values: ['a', 'b'] }, required: false, type: 'enum' },
    };
    const report = { id: 'report_test_xxx', object: 'v2.reporting.report', name: 'test', parameters };
    const no = { description: null, allowedValues: null, minimum: null, maximum: null };
    expect(decodeReportTypeV2(report)).toEqual({
      api: 'V2',
      id: 'report_test_xxx',
      name: 'test',
      parameterDefinitions: [
        {
          ...no,
          name: 'columns',
          description: 'Set of output columns.',
          required: true,
          valueType: 'array',
          allowedValues: ['column_1', 'column_2'],
        },
        {
          ...no,
          name: 'interval_end',
          required: true,
          valueType: 'timestamp',
          minimum: Date.UTC(2025, 2, 11),
          maximum: Date.UTC(2025, 7, 26, 14),
        },
        { ...no, name: 'category', required: false, valueType: 'enum', allowedValues: ['a', 'b'] },
      ],
    });
  });
});
