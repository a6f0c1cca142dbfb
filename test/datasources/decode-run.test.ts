import { describe, expect, it } from 'vitest';
import type { JsonObject, JsonValue } from '../../src/models/json.js';
import { failedV1, failedV2, fileV1, runFrom, runV1, runV2, succeededV1, succeededV2 } from './samples.js';

describe('a v1 run', () => {
  it('has every attribute Stripe documents, with times in ms', () => {
    expect(runFrom('V1', succeededV1)).toEqual({
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
    expect(runFrom('V1', { ...runV1, result: fileV1 })).toMatchObject({
      status: 'RUNNING',
      result: null,
      failure: null,
    });
    expect(runFrom('V1', failedV1).failure).toEqual({ code: null, message: failedV1['error'] });
    for (const error of [null, '', 7]) {
      expect(runFrom('V1', { ...failedV1, error }).failure?.message).toMatch(/gave no reason/);
    }
    expect(runFrom('V1', { ...failedV1, succeeded_at: 5 })).toMatchObject({
      finishedAt: null,
      succeededAt: null,
    });
  });

  it('bears what a file lacks', () => {
    const file = (changes: JsonObject) =>
      runFrom('V1', { ...succeededV1, result: { ...fileV1, ...changes } }).result;
    expect(file({ type: 'pdf', title: null, filename: null, expires_at: null })?.file).toMatchObject({
      contentType: 'OTHER',
      title: null,
      filename: null,
      expiresAt: null,
    });
    expect(file({ type: null })?.file?.contentType).toBe('OTHER');
    expect(file({ id: null })).toEqual({ type: 'FILE', file: null });
    expect(file({ size: -1 })).toEqual({ type: 'FILE', file: null });
    expect(runFrom('V1', { ...succeededV1, result: null }).result).toBeNull();
    expect(runFrom('V1', { ...succeededV1, result: 'file_1' }).result).toEqual({ type: 'FILE', file: null });
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
    expect(runFrom('V1', { ...runV1, parameters }).parameters).toEqual({
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
    expect(runFrom('V2', succeededV2)).toEqual({
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
    const result = (value: JsonValue) => runFrom('V2', { ...succeededV2, result: value }).result;
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
    expect(runFrom('V2', { ...runV2, report_parameters: wrapped }).parameters).toEqual({
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
    expect(runFrom('V2', failedV2).failure).toEqual({
      code: 'file_size_above_limit',
      message: 'The file generated by this request exceeds the 5 GB limit.',
    });
    expect(runFrom('V2', { ...failedV2, status_details: {} }).failure).toMatchObject({ code: null });
    const coded = { failed: { error_code: 'internal_error' } };
    expect(runFrom('V2', { ...failedV2, status_details: coded }).failure).toEqual({
      code: 'internal_error',
      message: 'The run failed; Stripe gave no reason beyond internal_error.',
    });
  });
});
