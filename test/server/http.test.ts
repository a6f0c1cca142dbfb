import { once } from 'node:events';
import { request } from 'node:http';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { post, send, startGateway, type TestGateway, until } from './support.js';

let gateway: TestGateway;
beforeEach(async () => {
  gateway = await startGateway();
});
afterEach(async () => {
  await gateway[Symbol.asyncDispose]();
});

const QUERY = encodeURIComponent('{ hello(name: "you") }');
const FOLLOW = 'subscription { run(id: "a") { id status } }';

describe('who may come in', () => {
  it.each(['localhost', 'localhost:1', '127.0.0.1:4000', '[::1]:4000', 'LOCALHOST'])(
    'takes the loopback name %s',
    async (host) => {
      expect((await send(gateway, '/health', { headers: { host } })).status).toBe(200);
    },
  );

  it.each([
    'evil.example',
    'localhost.evil.example',
    '127.0.0.1.nip.io',
    '127.1',
    'user@localhost',
    'localhost:',
    '[::1',
  ])('refuses the Host %j with 421', async (host) => {
    const answer = await send(gateway, `/graphql?query=${QUERY}`, { headers: { host } });
    expect(answer.status).toBe(421);
    expect(answer.json.errors[0].message).toContain('ALLOWED_HOSTS');
  });

  it('takes configured names: with a port only that port, without one any', async () => {
    await using configured = await startGateway({ allowedHosts: ['Gateway.example', 'other.example:8080'] });
    const status = async (host: string) => (await send(configured, '/health', { headers: { host } })).status;
    expect(await status('gateway.example:1')).toBe(200);
    expect(await status('other.example:8080')).toBe(200);
    expect(await status('other.example:8081')).toBe(421);
  });

  it.each(['http://evil.example', 'http://localhost:3000', 'null', 'https://127.0.0.1'])(
    'refuses a POST from a page of %s',
    async (origin) => {
      const answer = await post(gateway, { query: 'mutation { touch }' }, { origin });
      expect(answer.status).toBe(403);
      expect(answer.text).not.toContain('touched');
    },
  );

  it('takes a POST from its own pages, and sends no CORS header to anybody', async () => {
    const own = await post(gateway, { query: 'mutation { touch }' }, { origin: gateway.origin });
    expect(own.json).toEqual({ data: { touch: 'touched' } });
    const preflight = await send(gateway, '/graphql', {
      method: 'OPTIONS',
      headers: { origin: gateway.origin },
    });
    expect(preflight.status).toBe(405);
    for (const { headers } of [own, preflight]) {
      expect(Object.keys(headers).filter((name) => name.startsWith('access-control-'))).toEqual([]);
    }
  });

  it('resolves with the origin the client used', async () => {
    const answer = await post(
      gateway,
      { query: '{ origin }' },
      { host: 'localhost:81', 'x-forwarded-host': 'evil.example' },
    );
    expect(answer.json.data.origin).toBe('http://localhost:81');
  });
});

describe('what may come in', () => {
  it.each([
    'application/x-www-form-urlencoded',
    'multipart/form-data; boundary=x',
    'text/plain',
    'application/graphql',
    '',
  ])('refuses a body of the type %j with 415 and a sentence', async (type) => {
    const answer = await send(gateway, '/graphql', {
      method: 'POST',
      headers: type === '' ? {} : { 'content-type': type },
      body: 'query=mutation%20%7B%20touch%20%7D',
    });
    expect(answer.status).toBe(415);
    expect(answer.json.errors[0].message).toContain('application/json');
  });

  it('takes 100 kB, and refuses a byte more with 413, told beforehand or not', async () => {
    const bodyOf = (length: number) => {
      const body = JSON.stringify({ query: '{ hello(name: "x") }', variables: { pad: '' } });
      return body.replace('"pad":""', `"pad":"${'x'.repeat(length - body.length)}"`);
    };
    const headers = { 'content-type': 'application/json' };
    const sendBody = (body: string | string[]) =>
      send(gateway, '/graphql', { method: 'POST', headers, body });
    const inPieces = (body: string) => body.match(/.{1,20000}/gs) ?? [];
    expect((await sendBody(bodyOf(100_000))).status).toBe(200);
    expect((await sendBody(inPieces(bodyOf(100_000)))).status).toBe(200);
    for (const body of [bodyOf(100_001), inPieces(bodyOf(100_001)), inPieces(bodyOf(2_000_000))]) {
      const answer = await sendBody(body);
      expect(answer.status).toBe(413);
      expect(answer.json.errors[0].extensions.code).toBe('REQUEST_ENTITY_TOO_LARGE');
    }
  });

  it('answers queries by GET, and refuses mutations there', async () => {
    expect((await send(gateway, `/graphql?query=${QUERY}`)).json).toEqual({ data: { hello: 'Hello you' } });
    const mutation = await send(gateway, `/graphql?query=${encodeURIComponent('mutation { touch }')}`);
    expect(mutation.status).toBe(405);
    expect(mutation.text).not.toContain('touched');
  });

  it.each([
    ['a body that is no JSON', { body: '{' }],
    ['a batch', { body: '[{"query":"{ hello }"}]' }],
    ['a body without a query', { body: '{}' }],
    ['a body that is null', { body: 'null' }],
  ])('refuses %s with 400', async (_name, { body }) => {
    const answer = await send(gateway, '/graphql', {
      method: 'POST',
      headers: { 'content-type': 'application/json', accept: 'application/graphql-response+json' },
      body,
    });
    expect(answer.status).toBe(400);
    expect(answer.json.errors[0].message).not.toBe('');
  });

  it('refuses variables in a query string that are no JSON with 400', async () => {
    const answer = await send(gateway, `/graphql?query=${QUERY}&variables=%7B`);
    expect(answer.status).toBe(400);
    expect(answer.json.errors[0].message).toContain('variables');
  });

  it('answers 404 in JSON everywhere else, and has a health check', async () => {
    for (const path of ['/', '/graphql/', '/graphql/x', '/health/x', '//graphql', '/sandbox']) {
      const answer = await send(gateway, path, { headers: { accept: 'text/html' } });
      expect(answer.status).toBe(404);
      expect(answer.json.errors[0].message).toContain('/graphql');
    }
    expect((await send(gateway, '/health')).json).toEqual({ status: 'ok' });
  });

  it('sends security headers with everything', async () => {
    for (const answer of [await send(gateway, '/'), await post(gateway, { query: '{ hello }' })]) {
      expect(answer.headers).toMatchObject({
        'x-content-type-options': 'nosniff',
        'x-frame-options': 'DENY',
      });
    }
  });
});

describe('subscriptions over SSE', () => {
  const events = (text: string) => text.split('\n').filter((line) => /^(event|data): ?\S/.test(line));

  it.each(['GET', 'POST'])('streams each event by %s, then completes', async (method) => {
    const accept = { accept: 'text/event-stream' };
    const stream =
      method === 'GET'
        ? send(gateway, `/graphql?query=${encodeURIComponent(FOLLOW)}`, { headers: accept })
        : post(gateway, { query: FOLLOW }, accept);
    await until(() => gateway.feed.count() === 1);
    gateway.feed.push('a', 'RUNNING');
    gateway.feed.push('a', 'SUCCEEDED');
    gateway.feed.end();
    const { status, headers, text } = await stream;
    expect(status).toBe(200);
    expect(headers['content-type']).toContain('text/event-stream');
    expect(events(text)).toEqual([
      'event: next',
      'data: {"data":{"run":{"id":"a","status":"RUNNING"}}}',
      'event: next',
      'data: {"data":{"run":{"id":"a","status":"SUCCEEDED"}}}',
      'event: complete',
    ]);
  });

  it('tells that there is no such run, and completes', async () => {
    const { text } = await post(
      gateway,
      { query: FOLLOW.replace('"a"', '"nobody"') },
      { accept: 'text/event-stream' },
    );
    expect(text).toContain('"code":"NOT_FOUND"');
    expect(events(text).at(-1)).toBe('event: complete');
  });

  it('stops following when the client leaves', async () => {
    const req = request({
      port: gateway.port,
      path: `/graphql?query=${encodeURIComponent(FOLLOW)}`,
      headers: { accept: 'text/event-stream' },
    }).end();
    req.on('error', () => {});
    await once(req, 'response');
    await until(() => gateway.feed.count() === 1);
    req.destroy();
    await until(() => gateway.feed.count() === 0);
    expect(gateway.feed.count()).toBe(0);
  });
});

describe('the log', () => {
  it('has one line per request, without query string and headers', async () => {
    await send(gateway, `/graphql?query=${QUERY}`, { headers: { authorization: 'Bearer tok_secret' } });
    await send(gateway, '/files/frr_1?expires=1&signature=abcdef');
    await until(() => gateway.log.length === 2);
    expect(gateway.log).toMatchObject([
      { method: 'GET', path: '/graphql', status: 200 },
      { method: 'GET', path: '/files/frr_1', status: 403 },
    ]);
    expect(JSON.stringify(gateway.log)).not.toMatch(/tok_secret|abcdef|hello/);
  });
});

describe('shutting down', () => {
  it('lets streams complete that the watchers have ended', async () => {
    const stream = post(gateway, { query: FOLLOW }, { accept: 'text/event-stream' });
    await until(() => gateway.feed.count() === 1);
    gateway.feed.push('a', 'RUNNING');
    gateway.feed.end();
    await gateway.close();
    expect(events((await stream).text)).toContain('event: complete');
    await expect(send(gateway, '/health')).rejects.toThrow('ECONNREFUSED');
  });

  it('does not wait for ever for a client that stays', async () => {
    const req = request({
      port: gateway.port,
      path: `/graphql?query=${encodeURIComponent(FOLLOW)}`,
      headers: { accept: 'text/event-stream' },
    });
    req.on('error', () => {});
    req.end();
    await until(() => gateway.feed.count() === 1);
    await gateway.close();
    await until(() => gateway.feed.count() === 0);
    expect(gateway.feed.count()).toBe(0);
  });

  const events = (text: string) => text.split('\n');
});
