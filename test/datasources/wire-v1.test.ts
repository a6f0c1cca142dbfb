import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createStripeV1, type StripeV1 } from '../../src/datasources/stripe-v1.js';
import { createStripeV2, type StripeV2 } from '../../src/datasources/stripe-v2.js';
import { reportTypeV1, runV1 } from './samples.js';
import { API_KEY, failure, json, startUpstream, type Upstream } from './upstream.js';

let upstream: Upstream;
let v1: StripeV1;
let v2: StripeV2;

beforeEach(async () => {
  upstream = await startUpstream();
  const transport = upstream.transport();
  v1 = createStripeV1(transport);
  v2 = createStripeV2(transport);
});
afterEach(() => upstream[Symbol.asyncDispose]());

const answerWith = (body: unknown) => upstream.answer((response) => json(response, 200, body));
const arrived = () => upstream.requests.map(({ method, url }) => `${method} ${url}`);

describe('v1 on the wire', () => {
  it('form-encodes a create, arrays by index, under the given key', async () => {
    answerWith(runV1);
    const parameters = {
      interval_start: 1680000000,
      interval_end: 1680100000,
      columns: ['created', 'payment_metadata[order id]'],
      timezone: 'Etc/UTC',
      connected_accounts: { include: true },
    };
    const { observed, requestId } = await v1.createRun(
      { api: 'V1', reportType: 'payouts.itemized.3', parameters },
      'our-key-1',
    );
    expect(observed).toMatchObject({ run: { api: 'V1', id: runV1['id'] } });
    expect(requestId).toBe('req_wire');
    const [request] = upstream.requests;
    expect(request?.method).toBe('POST');
    expect(request?.url).toBe('/v1/reporting/report_runs');
    expect(request?.headers).toMatchObject({
      authorization: `Bearer ${API_KEY}`,
      'content-type': 'application/x-www-form-urlencoded',
      'idempotency-key': 'our-key-1',
    });
    expect([...new URLSearchParams(request?.body)]).toEqual([
      ['report_type', 'payouts.itemized.3'],
      ['parameters[interval_start]', '1680000000'],
      ['parameters[interval_end]', '1680100000'],
      ['parameters[columns][0]', 'created'],
      ['parameters[columns][1]', 'payment_metadata[order id]'],
      ['parameters[timezone]', 'Etc/UTC'],
      ['parameters[connected_accounts][include]', 'true'],
    ]);
  });

  it('lists with cursor, limit and bounds in whole seconds, rounded inwards', async () => {
    answerWith({
      object: 'list',
      has_more: true,
      data: [runV1, { id: 'frr_odd' }, { no: 'id' }, { id: 'f'.repeat(256) }, null, 'frr_1'],
    });
    const list = await v1.listRuns({
      limit: 3,
      startingAfter: 'frr_abc',
      createdFrom: 1_680_000_000_001,
      createdUntil: 1_680_000_009_999,
    });
    await v1.listRuns({ createdFrom: 1_680_000_000_000, createdUntil: 1_680_000_009_000 });
    await v1.listRuns();
    expect(arrived()).toEqual([
      'GET /v1/reporting/report_runs?limit=3&starting_after=frr_abc&created[gte]=1680000001&created[lte]=1680000009',
      'GET /v1/reporting/report_runs?limit=100&created[gte]=1680000000&created[lte]=1680000009',
      'GET /v1/reporting/report_runs?limit=100',
    ]);
    expect(list).toMatchObject({ hasMore: true, requestId: 'req_wire', skipped: 4 });
    expect(list.items).toMatchObject([{ run: { id: runV1['id'] } }, { unreadable: true, id: 'frr_odd' }]);
    expect(upstream.requests[0]?.headers['idempotency-key']).toBeUndefined();
  });

  it('reads the account, a type and the catalogue, whose broken types it counts', async () => {
    answerWith({ id: 'acct_1', object: 'account' });
    expect(await v1.accountId()).toBe('acct_1');
    answerWith(reportTypeV1);
    expect(await v1.retrieveReportType('balance.summary.1')).toMatchObject({
      type: { api: 'V1', id: 'balance.summary.1', dataAvailableEnd: 1_695_081_600_000 },
      body: reportTypeV1,
    });
    answerWith({
      object: 'list',
      has_more: false,
      data: [reportTypeV1, { ...reportTypeV1, version: 'x' }, 7],
    });
    const types = await v1.listReportTypes();
    expect(types.items.map(({ type }) => type.id)).toEqual(['balance.summary.1']);
    expect(types.skipped).toBe(2);
    expect(arrived()).toEqual([
      'GET /v1/account',
      'GET /v1/reporting/report_types/balance.summary.1',
      'GET /v1/reporting/report_types',
    ]);
  });

  it('calls a list without has_more or data, and another run than asked for, a breach of contract', async () => {
    answerWith({ object: 'list', data: [] });
    expect(await failure(v1.listRuns())).toMatchObject({ kind: 'contract', requestId: 'req_wire' });
    answerWith({ object: 'list', has_more: false, data: {} });
    expect(await failure(v1.listRuns())).toMatchObject({ kind: 'contract' });
    answerWith(runV1);
    expect(await failure(v1.retrieveRun('frr_other'))).toMatchObject({ kind: 'contract' });
    answerWith({ id: 7 });
    expect(await failure(v1.accountId())).toMatchObject({ kind: 'contract' });
  });
});

describe('ids in paths', () => {
  it.each(['', '.', '..', 'a/b', 'frr_1?x=1', 'frr_\n', '\ud800'])(
    'refuses %j before any request',
    async (id) => {
      const calls = [
        v1.retrieveRun(id),
        v1.retrieveReportType(id),
        v1.listRuns({ startingAfter: id }),
        v2.retrieveRun(id),
        v2.retrieveReport(id),
        v2.downloadUrl(id),
      ];
      for (const call of calls)
        expect(await failure(call)).toMatchObject({ kind: 'invalid', effect: 'none' });
      expect(upstream.requests).toEqual([]);
    },
  );
});
