import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { createStripeV1 } from '../../src/datasources/stripe-v1.js';
import { failedV1, runV1 } from './samples.js';
import { failure, json, startUpstream, until } from './upstream.js';

const RUN = '/v1/reporting/report_runs/frr_1';

describe('what the SDK would get wrong', () => {
  it('hands on a failed v1 run, whose top-level error the SDK takes for an API error', async () => {
    await using upstream = await startUpstream((response) => json(response, 200, failedV1));
    const stripe = createStripeV1(upstream.transport());
    const expected = { run: { status: 'FAILED', failure: { message: failedV1['error'] } } };
    expect(await stripe.retrieveRun('frr_1MrQwrLkdIwHu7ixUov4x2b3')).toMatchObject(expected);
    const request = { api: 'V1', reportType: 'balance.summary.1', parameters: {} } as const;
    expect((await stripe.createRun(request, 'key_1')).observed).toMatchObject(expected);
  });

  it('does not take an error answer without an `error` for a run', async () => {
    await using upstream = await startUpstream((response) => json(response, 502, { message: 'Bad gateway' }));
    const error = await failure(upstream.transport().post('/v1/x', {}, 'key_1'));
    expect(error).toMatchObject({
      kind: 'unavailable',
      status: 502,
      effect: 'unknown',
      requestId: 'req_wire',
    });
  });

  it('gives up on a body that trickles, at the deadline, and breaks off the connection', async () => {
    await using upstream = await startUpstream((response) => {
      response.writeHead(200, { 'content-type': 'application/json', 'request-id': 'req_slow' });
      response.write('{');
      const timer = setInterval(() => response.write(' '), 20);
      response.on('close', () => clearInterval(timer));
    });
    const started = performance.now();
    const error = await failure(upstream.transport({ create: 200 }).post('/v1/x', {}, 'key_1'));
    expect(error).toMatchObject({
      kind: 'unavailable',
      effect: 'unknown',
      status: 200,
      requestId: 'req_slow',
    });
    expect(performance.now() - started).toBeLessThan(3_000);
    await until(() => upstream.brokenOff() === 1);
  });

  it('gives up on an upstream that never answers', async () => {
    await using upstream = await startUpstream(() => {});
    const error = await failure(upstream.transport({ create: 100 }).post('/v1/x', {}, 'key_1'));
    expect(error).toMatchObject({ kind: 'unavailable', effect: 'unknown', status: null, requestId: null });
    expect(upstream.requests).toHaveLength(1);
  });

  it.each([
    ['null', 'null'],
    ['an empty string', '""'],
    ['an array', '[]'],
    ['a number', '17'],
    ['nothing', ''],
    ['half an object', '{"id": "frr_1"'],
  ])('calls a 200 with %s a breach of contract', async (_, body) => {
    await using upstream = await startUpstream((response) => {
      response.writeHead(200, { 'content-type': 'application/json', 'request-id': 'req_odd' });
      response.end(body);
    });
    const error = await failure(upstream.transport().get(RUN));
    expect(error).toMatchObject({ kind: 'contract', status: 200, requestId: 'req_odd' });
    expect(upstream.requests).toHaveLength(1);
  });

  it('calls a page in HTML a breach of contract where it is a 200, and an outage where it is a 503', async () => {
    await using upstream = await startUpstream((response, { url }) => {
      response.writeHead(url.endsWith('ok') ? 200 : 503, { 'content-type': 'text/html' });
      response.end('<html>{}</html>');
    });
    const transport = upstream.transport();
    expect(await failure(transport.post('/v1/ok', {}, 'key_1'))).toMatchObject({ kind: 'contract' });
    expect(await failure(transport.post('/v1/no', {}, 'key_1'))).toMatchObject({ kind: 'unavailable' });
  });

  it('does not take JSON under another content type, and does not follow a redirect', async () => {
    await using upstream = await startUpstream((response, { url }) => {
      if (url.endsWith('moved')) {
        response.writeHead(302, { location: '/v1/elsewhere', 'content-type': 'application/json' });
      } else response.writeHead(200, { 'content-type': 'text/plain' });
      response.end('{"id": "frr_1"}');
    });
    const transport = upstream.transport();
    expect(await failure(transport.get('/v1/plain'))).toMatchObject({ kind: 'contract' });
    expect(await failure(transport.get('/v1/moved'))).toMatchObject({ kind: 'contract', status: 302 });
    expect(upstream.requests.map(({ url }) => url)).toEqual(['/v1/plain', '/v1/moved']);
  });

  it('calls a truncated answer an outage, and keeps its request id', async () => {
    await using upstream = await startUpstream((response) => {
      const head = { 'content-type': 'application/json', 'content-length': '500', 'request-id': 'req_cut' };
      response.writeHead(200, head);
      response.write('{"id": "frr_1"');
      setTimeout(() => response.destroy(), 10);
    });
    const error = await failure(upstream.transport().post('/v1/x', {}, 'key_1'));
    expect(error).toMatchObject({ kind: 'unavailable', effect: 'unknown', requestId: 'req_cut' });
    expect(upstream.requests).toHaveLength(1);
  });

  it('sends a create once, though the SDK repeats a reset one even with its retries off', async () => {
    await using upstream = await startUpstream((response) => response.destroy());
    const error = await failure(upstream.transport().post('/v1/x', {}, 'key_1'));
    expect(error).toMatchObject({ kind: 'unavailable', effect: 'unknown' });
    expect(upstream.requests).toHaveLength(1);
  });

  it('repeats a read once, and no more', async () => {
    let count = 0;
    await using upstream = await startUpstream((response) => {
      count += 1;
      if (count === 1) response.destroy();
      else json(response, count === 2 ? 200 : 500, runV1);
    });
    const transport = upstream.transport();
    expect((await transport.get(RUN)).body).toEqual(runV1);
    expect(upstream.requests).toHaveLength(2);
    expect(await failure(transport.get(RUN))).toMatchObject({ kind: 'unavailable', status: 500 });
    expect(upstream.requests).toHaveLength(4);
  });

  it('does not repeat a 429, in either of its two classes, even where Stripe says that it may', async () => {
    const bodies = [
      { type: 'rate_limit', code: 'report_run_rate_limit_exceeded', message: 'Wait.' },
      { code: 'report_run_rate_limit_exceeded', message: 'Wait.' },
    ];
    for (const error of bodies) {
      await using upstream = await startUpstream((response) =>
        json(response, 429, { error }, { 'stripe-should-retry': 'true' }),
      );
      const transport = upstream.transport();
      const expected = {
        kind: 'rate_limited',
        status: 429,
        code: error.code,
        effect: 'none',
        message: 'Wait.',
      };
      expect(await failure(transport.get('/v2/reporting/report_runs/reprun_1'))).toMatchObject(expected);
      expect(await failure(transport.post('/v2/reporting/report_runs', {}, 'key_1'))).toMatchObject(expected);
      expect(upstream.requests).toHaveLength(2);
    }
  });

  it('reads at most 20 MB of an answer', async () => {
    await using upstream = await startUpstream((response) => {
      response.writeHead(200, { 'content-type': 'application/json' });
      response.end(`{"id": "${'x'.repeat(20_000_001)}"}`);
    });
    const error = await failure(upstream.transport().post('/v1/x', {}, 'key_1'));
    expect(error).toMatchObject({ kind: 'contract', effect: 'unknown' });
  });

  it('writes no telemetry file into the home directory, and sends none', async () => {
    await using upstream = await startUpstream((response) => json(response, 200, runV1));
    const home = await mkdtemp(join(tmpdir(), 'datasources-'));
    const before = { HOME: process.env['HOME'], XDG_CONFIG_HOME: process.env['XDG_CONFIG_HOME'] };
    Object.assign(process.env, { HOME: home, XDG_CONFIG_HOME: join(home, 'xdg') });
    try {
      const transport = upstream.transport();
      await transport.get(RUN);
      await transport.get(RUN);
      expect(await readdir(home)).toEqual([]);
      // With telemetry the SDK describes the machine in a header, and in some builds the id it wrote.
      const headers = JSON.stringify(upstream.requests.map((request) => request.headers));
      expect(headers).not.toMatch(/telemetry|platform/i);
    } finally {
      for (const [name, value] of Object.entries(before)) {
        if (value === undefined) delete process.env[name];
        else process.env[name] = value;
      }
      await rm(home, { recursive: true });
    }
  });
});
