import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { describe, expect, it } from 'vitest';
import { createTransport } from '../../src/datasources/transport.js';
import { API_KEY, V2_VERSION, failure, json, startUpstream } from './upstream.js';

describe('what an answer of Stripe becomes', () => {
  it.each([
    [400, 'invalid', 'none'],
    [401, 'unauthenticated', 'none'],
    [402, 'invalid', 'unknown'],
    [403, 'forbidden', 'none'],
    [404, 'not_found', 'none'],
    [408, 'unavailable', 'unknown'],
    [409, 'conflict', 'unknown'],
    [429, 'rate_limited', 'none'],
    [500, 'unavailable', 'unknown'],
    [503, 'unavailable', 'unknown'],
  ] as const)('HTTP %d is %s, with effect %s', async (status, kind, effect) => {
    const error = {
      type: 'invalid_request_error',
      code: 'some_code',
      param: 'parameters[columns][0]',
      message: 'No.',
    };
    await using upstream = await startUpstream((response) => json(response, status, { error }));
    const transport = upstream.transport();
    const expected = { kind, effect, status, requestId: 'req_wire', code: 'some_code', replayed: false };
    expect(await failure(transport.post('/v1/x', {}, 'key_1'))).toMatchObject(expected);
    expect(await failure(transport.post('/v2/x', {}, 'key_1'))).toMatchObject(expected);
  });

  it.each([400, 401, 403, 404, 409])(
    'HTTP %d without a Stripe error is a breach of contract whose effect is unknown',
    async (status) => {
      for (const body of [{}, { error: 'no' }, { error: {} }, { error: null }, [], null, 'no']) {
        await using upstream = await startUpstream((response) => json(response, status, body));
        const error = await failure(upstream.transport().post('/v1/x', {}, 'key_1'));
        expect(error).toMatchObject({ kind: 'contract', effect: 'unknown', status });
      }
    },
  );

  it('HTTP 429 without a Stripe error, from something in between, is rate_limited with an unknown effect', async () => {
    await using upstream = await startUpstream((response) => response.writeHead(429).end('Slow down'));
    const error = await failure(upstream.transport().post('/v1/x', {}, 'key_1'));
    expect(error).toMatchObject({ kind: 'rate_limited', effect: 'unknown' });
    expect(error.message).toBe('Stripe refused the request (HTTP 429).');
  });

  it('keeps the words Stripe gives to what the caller can correct', async () => {
    const message =
      'Data for the report type balance.summary.1 is only available starting at 2022-04-29 00:00:00 UTC; you requested `interval_start` = 2022-01-01 14:03:52 UTC.';
    const body = { error: { message, param: 'parameters.interval_start', type: 'invalid_request_error' } };
    await using upstream = await startUpstream((response) => json(response, 400, body));
    const error = await failure(upstream.transport().post('/v1/x', {}, 'key_1'));
    expect(error).toMatchObject({ kind: 'invalid', message, param: 'parameters.interval_start', code: null });
  });

  it('names the two errors of v1 that come without a code', async () => {
    await using upstream = await startUpstream();
    const transport = upstream.transport();
    const idempotency = { type: 'idempotency_error', message: 'Keys for idempotent requests …' };
    upstream.answer((response) => json(response, 400, { error: idempotency }));
    expect(await failure(transport.post('/v1/x', {}, 'k'))).toMatchObject({ code: 'idempotency_error' });
    const message = 'This report type is only available for live data and requires a live mode key.';
    upstream.answer((response) => json(response, 404, { error: { message, type: 'invalid_request_error' } }));
    const error = await failure(transport.post('/v1/x', {}, 'k'));
    expect(error).toMatchObject({ kind: 'not_found', code: 'live_mode_required', message });
  });

  it('tells an account without v2 from a wrong request', async () => {
    await using upstream = await startUpstream();
    const transport = upstream.transport();
    const cases: [number, string, string][] = [
      [400, 'Invalid Stripe-Version: 2026-08-12.preview.', 'forbidden'],
      [404, 'Unrecognized request URL (GET: /v2/reporting/report_runs/reprun_1).', 'forbidden'],
      [400, 'The field report_parameters is invalid.', 'invalid'],
      [404, 'No such report run.', 'not_found'],
    ];
    for (const [status, message, kind] of cases) {
      upstream.answer((response) => json(response, status, { error: { code: 'x', message } }));
      expect(await failure(transport.get('/v2/reporting/report_runs/reprun_1'))).toMatchObject({ kind });
    }
  });

  it('says when Stripe replays a failure it has stored', async () => {
    await using upstream = await startUpstream((response) =>
      json(response, 500, { error: { type: 'api_error' } }, { 'idempotent-replayed': 'true' }),
    );
    const error = await failure(upstream.transport().post('/v1/x', {}, 'key_1'));
    expect(error).toMatchObject({ kind: 'unavailable', replayed: true });
  });

  it('is certain of no effect where nobody listens', async () => {
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const { port } = server.address() as AddressInfo;
    await new Promise((resolve) => server.close(resolve));
    for (const host of ['127.0.0.1', 'localhost', 'no-such-host.invalid']) {
      const base = new URL(`http://${host}:${port}`);
      const transport = createTransport({ apiKey: API_KEY, base, v2Version: V2_VERSION });
      const error = await failure(transport.post('/v1/x', {}, 'key_1'));
      expect(error).toMatchObject({ kind: 'unavailable', effect: 'none', status: null });
      expect(error.message).not.toContain(String(port));
      await transport.close();
    }
  });
});

describe('what a message never says', () => {
  const secrets = [
    `Invalid API Key provided: ${API_KEY}`,
    'Use sk_live_51abcDEF, rk_test_abc****WXYZ or whsec_abc instead',
    'See https://dashboard.stripe.com/logs/req_1?t=1 and http://10.0.0.7:8080/x',
    'Ask files.stripe.com/links/MDB8 about it',
    'Authorization: Bearer abcdefghijkl was wrong',
    'It broke\n    at handler (/srv/app/index.js:1:1)',
  ];
  const forbidden =
    /sk_|rk_|whsec_|\/\/|MDB8|dashboard|10\.0\.0|abcdefghijkl|index\.js|WXYZ|51abc|TheGateways/;

  it.each([400, 401, 403, 404, 409, 429, 500])(
    'a key, a link, a credential or a stack, with HTTP %d',
    async (status) => {
      for (const message of secrets) {
        const error = { message, code: message, param: API_KEY, type: 'invalid_request_error' };
        await using upstream = await startUpstream((response) => json(response, status, { error }));
        const thrown = await failure(upstream.transport().post('/v1/x', {}, 'key_1'));
        expect(JSON.stringify([thrown.message, thrown])).not.toMatch(forbidden);
        expect(thrown.message).not.toBe('');
      }
    },
  );

  it('but it still says which id is meant', async () => {
    const message = "No such reporting report_run: 'frr_123'; a similar task_run exists";
    await using upstream = await startUpstream((response) =>
      json(response, 404, { error: { message, code: 'resource_missing' } }),
    );
    expect((await failure(upstream.transport().get('/v1/x'))).message).toBe(message);
  });
});
