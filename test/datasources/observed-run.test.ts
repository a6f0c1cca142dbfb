import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { readInstant } from '../../src/datasources/decode.js';
import { decodeRun } from '../../src/datasources/decode-run.js';
import type { JsonObject, JsonValue } from '../../src/models/json.js';
import type { StripeApi } from '../../src/models/report-run.js';
import { failedV1, failedV2, fileV1, runFrom, runV1, runV2, succeededV1, succeededV2 } from './samples.js';

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
    expect(runFrom('V2', original)).toMatchObject({ result: { type: 'OTHER', file: null } });
  });
});
