import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decodeReportTypeV1, decodeReportTypeV2 } from '../../src/datasources/decode-report-type.js';
import { decodeRun } from '../../src/datasources/decode-run.js';
import { readInstant } from '../../src/datasources/decode.js';
import type { JsonObject, JsonValue } from '../../src/models/json.js';
import type { ReportRun, StripeApi } from '../../src/models/report-run.js';
import {
  failedV1,
  failedV2,
  fileV1,
  reportTypeV1,
  runV1,
  runV2,
  succeededV1,
  succeededV2,
} from './samples.js';

function decode(api: StripeApi, body: JsonObject): ReportRun {
  const observed = decodeRun(api, body);
  if ('unreadable' in observed) throw new Error(observed.reason);
  return observed.run;
}

describe('a v1 run', () => {
  it('has every attribute Stripe documents, with times in ms', () => {
    expect(decode('V1', succeededV1)).toEqual({
      api: 'V1',
      id: 'frr_1MrQwrLkdIwHu7ixUov4x2b3',
      livemode: false,
      status: 'SUCCEEDED',
      createdAt: 1_680_203_749_000,
      finishedAt: 1_680_203_809_000,
      succeededAt: 1_680_203_809_000,
      reportTypeId: 'balance.summary.1',
      parameters: {
        intervalStart: 1_680_000_000_000,
        intervalEnd: 1_680_100_000_000,
        columns: null,
        connectedAccount: null,
        currency: null,
        payout: null,
        reportingCategory: null,
        timezone: null,
        raw: { interval_end: 1680100000, interval_start: 1680000000 },
      },
      result: {
        type: 'FILE',
        file: {
          runId: 'frr_1MrQwrLkdIwHu7ixUov4x2b3',
          contentType: 'CSV',
          size: 27206n,
          filename: 'frr_1MrQwrLkdIwHu7ixUov4x2b3.csv',
          fileId: 'file_1Mcd6lJITzLVzkSm58IV6lDd',
          title: 'FinanceReportRun frr_1MrQwrLkdIwHu7ixUov4x2b3',
          createdAt: 1_680_203_800_000,
          expiresAt: 1_711_739_800_000,
        },
      },
      failure: null,
    });
  });

  it('is RUNNING without a result, and FAILED with the reason Stripe gives, or says that it gives none', () => {
    expect(decode('V1', { ...runV1, result: fileV1 })).toMatchObject({
      status: 'RUNNING',
      result: null,
      failure: null,
    });
    expect(decode('V1', failedV1).failure).toEqual({ code: null, message: failedV1['error'] });
    for (const error of [null, '', 7]) {
      expect(decode('V1', { ...failedV1, error }).failure?.message).toMatch(/gave no reason/);
    }
    expect(decode('V1', { ...failedV1, succeeded_at: 5 })).toMatchObject({
      finishedAt: null,
      succeededAt: null,
    });
  });

  it('bears what a file lacks', () => {
    const file = (changes: JsonObject) =>
      decode('V1', { ...succeededV1, result: { ...fileV1, ...changes } }).result;
    expect(file({ type: 'pdf', title: null, filename: null, expires_at: null })?.file).toMatchObject({
      contentType: 'OTHER',
      title: null,
      filename: null,
      expiresAt: null,
    });
    expect(file({ type: null })?.file?.contentType).toBe('OTHER');
    expect(file({ id: null })).toEqual({ type: 'FILE', file: null });
    expect(file({ size: -1 })).toEqual({ type: 'FILE', file: null });
    expect(decode('V1', { ...succeededV1, result: null }).result).toBeNull();
    expect(decode('V1', { ...succeededV1, result: 'file_1' }).result).toEqual({ type: 'FILE', file: null });
  });

  it('reads every typed parameter', () => {
    const parameters = {
      columns: ['b', 'a'],
      connected_account: 'acct_1',
      currency: 'usd',
      payout: 'po_1',
      reporting_category: 'charge',
      timezone: 'Europe/Vienna',
      decimal_separator: 'comma',
    };
    expect(decode('V1', { ...runV1, parameters }).parameters).toEqual({
      intervalStart: null,
      intervalEnd: null,
      columns: ['b', 'a'],
      connectedAccount: 'acct_1',
      currency: 'usd',
      payout: 'po_1',
      reportingCategory: 'charge',
      timezone: 'Europe/Vienna',
      raw: parameters,
    });
  });
});

describe('a v2 run', () => {
  it('has every attribute Stripe documents, with times in ms', () => {
    expect(decode('V2', succeededV2)).toEqual({
      api: 'V2',
      id: 'reprun_test_xxx',
      livemode: false,
      status: 'SUCCEEDED',
      createdAt: Date.parse('2025-08-26T00:00:00.000Z'),
      finishedAt: null,
      reportTypeId: 'report_test_xxx',
      reportName: 'test report name',
      parameters: {
        intervalStart: Date.parse('2025-08-18T00:00:00.000Z'),
        intervalEnd: Date.parse('2025-08-25T00:00:00.000Z'),
        raw: { interval_start: '2025-08-18T00:00:00.000Z', interval_end: '2025-08-25T00:00:00.000Z' },
      },
      resultOptions: { compressFile: false },
      result: {
        type: 'FILE',
        file: {
          runId: 'reprun_test_xxx',
          contentType: 'CSV',
          size: 2121n,
          filename: null,
          fileId: null,
          title: null,
          createdAt: null,
          expiresAt: null,
        },
      },
      failure: null,
    });
  });

  it('reads the size as a number and as a string, the file as null, and words Stripe has added', () => {
    const result = (value: JsonValue) => decode('V2', { ...succeededV2, result: value }).result;
    const file = { content_type: 'zip', size: 5_368_709_120 };
    expect(result({ type: 'file', file })?.file).toMatchObject({ contentType: 'ZIP', size: 5_368_709_120n });
    expect(result({ type: 'file', file: { ...file, size: '9007199254740993' } })?.file?.size).toBe(
      9_007_199_254_740_993n,
    );
    expect(result({ type: 'file', file: { ...file, content_type: 'parquet' } })?.file?.contentType).toBe(
      'OTHER',
    );
    expect(result({ type: 'file', file: null })).toEqual({ type: 'FILE', file: null });
    expect(result({ type: 'table', file: null })).toEqual({ type: 'OTHER', file: null });
    for (const size of [null, 'many', -1, 1.5, true]) {
      expect(result({ type: 'file', file: { ...file, size } })?.file).toBeNull();
    }
  });

  it('unwraps the parameters of 2025 and leaves plain ones as they are', () => {
    const wrapped = {
      interval_start: { timestamp_value: '2025-08-18T00:00:00.000Z', string_value: null, array_value: null },
      columns: { array_value: { items: ['a', 'b'] }, string_value: null },
      category: { string_value: 'charge' },
      nothing: { string_value: null },
      plain: ['x'],
      object: { string_value: 'kept', other: 1 },
    };
    expect(decode('V2', { ...runV2, report_parameters: wrapped }).parameters).toEqual({
      intervalStart: Date.parse('2025-08-18T00:00:00.000Z'),
      intervalEnd: null,
      raw: {
        interval_start: '2025-08-18T00:00:00.000Z',
        columns: ['a', 'b'],
        category: 'charge',
        nothing: null,
        plain: ['x'],
        object: { string_value: 'kept', other: 1 },
      },
    });
  });

  it('carries the code and message of its failure, or says that there is none', () => {
    expect(decode('V2', failedV2).failure).toEqual({
      code: 'file_size_above_limit',
      message: 'The file generated by this request exceeds the 5 GB limit.',
    });
    expect(decode('V2', { ...failedV2, status_details: {} }).failure).toMatchObject({ code: null });
    const coded = { failed: { error_code: 'internal_error' } };
    expect(decode('V2', { ...failedV2, status_details: coded }).failure).toEqual({
      code: 'internal_error',
      message: 'The run failed; Stripe gave no reason beyond internal_error.',
    });
  });
});

describe('what was observed of a run', () => {
  const broken: [string, StripeApi, JsonObject, string][] = [
    ['an unknown status word', 'V1', { ...runV1, status: 'queued' }, '"queued"'],
    ['a status of the other API', 'V2', { ...runV2, status: 'pending' }, '"pending"'],
    ['no time of creation', 'V1', { ...runV1, created: null }, 'created'],
    ['another object', 'V2', { ...runV2, object: 'v2.data.report_run' }, 'object'],
    ['no report type', 'V1', { ...runV1, report_type: undefined as unknown as null }, 'report_type'],
    ['no mode', 'V2', { ...runV2, livemode: 'no' }, 'livemode'],
    ['an id of the other API', 'V1', { ...runV1, id: 'reprun_1' }, 'reprun_1'],
  ];
  it.each(broken)('is unreadable with %s, and says why', (_, api, body, why) => {
    const observed = decodeRun(api, body);
    expect(observed).toMatchObject({ unreadable: true, id: body['id'], api, body });
    expect('unreadable' in observed && observed.reason).toContain(why);
    expect(observed).toMatchObject({ createdAt: readInstant(body['created']) });
  });

  it('keeps no links, and loses nothing else', () => {
    const v1 = decodeRun('V1', succeededV1).body;
    const { url: _url, links: _links, ...file } = fileV1;
    expect(v1).toEqual({ ...succeededV1, result: file });
    expect(JSON.stringify(decodeRun('V2', succeededV2).body)).not.toContain('http');
    expect(decodeRun('V2', runV2).body).toEqual(runV2);
  });

  const json = fc.jsonValue({ maxDepth: 4 }) as fc.Arbitrary<JsonValue>;
  const word = (...words: JsonValue[]) => fc.oneof({ weight: 4, arbitrary: fc.constantFrom(...words) }, json);
  /** One of the samples with some of its parts, on two levels, replaced by anything. */
  const body = fc
    .tuple(
      fc.constantFrom(runV1, succeededV1, failedV1, runV2, succeededV2, failedV2),
      fc.record(
        {
          status: word('pending', 'running', 'succeeded', 'failed'),
          created: word(1, 1.5, '2025-08-26T00:00:00.123456789+02:00', '7'),
          error: json,
          parameters: json,
          report_parameters: fc.dictionary(
            fc.string(),
            fc.oneof(json, fc.record({ string_value: json, array_value: json }, { requiredKeys: [] })),
          ),
          result: fc.oneof(
            json,
            fc.record(
              {
                id: json,
                url: json,
                links: json,
                size: word(7, '8'),
                type: word('csv', 'file'),
                file: fc.oneof(
                  json,
                  fc.record(
                    { size: word(7, '8'), download_url: json, content_type: json },
                    { requiredKeys: [] },
                  ),
                ),
              },
              { requiredKeys: [] },
            ),
          ),
          status_details: json,
          [`__proto__`]: json,
        },
        { requiredKeys: [] },
      ),
    )
    // As it would come over the wire, where there is no -0 and `__proto__` is a key like others.
    .map(([sample, changes]): JsonObject => JSON.parse(JSON.stringify({ ...sample, ...changes })));

  it('gives the same run when the kept body is decoded again', () => {
    fc.assert(
      fc.property(body, fc.constantFrom<StripeApi>('V1', 'V2'), (original, api) => {
        const first = decodeRun(api, original);
        const again = decodeRun(api, JSON.parse(JSON.stringify(first.body)));
        expect(again).toEqual(first);
      }),
      { numRuns: 500 },
    );
  });

  it('never throws where there is an id, whatever else comes', () => {
    const anything = fc.tuple(
      fc.dictionary(fc.string(), json),
      fc.constantFrom('frr_1', 'reprun_1', 'x', 'constructor'),
    );
    fc.assert(
      fc.property(anything, fc.constantFrom<StripeApi>('V1', 'V2'), ([rest, id], api) => {
        expect(decodeRun(api, { ...rest, id })).toMatchObject({ body: { id } });
      }),
    );
  });

  it('bears a result nested deeper than the stack is', () => {
    const deep = `${'{"a":'.repeat(50_000)}1${'}'.repeat(50_000)}`;
    const original: JsonObject = { ...succeededV2, result: JSON.parse(deep) };
    expect(decode('V2', original)).toMatchObject({ result: { type: 'OTHER', file: null } });
  });
});

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
