import { once } from 'node:events';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { WebSocket } from 'ws';
import { post, startGateway, type TestGateway, until } from './support.js';

let gateway: TestGateway;
beforeEach(async () => {
  gateway = await startGateway({ socketInitTimeout: 200 });
});
afterEach(async () => {
  await gateway[Symbol.asyncDispose]();
});

interface Message {
  readonly id?: string;
  readonly type: string;
  // biome-ignore lint/suspicious/noExplicitAny: tests look into payloads whose shape is what they test
  readonly payload?: any;
}

/** A client that knows nothing but frames, so that it can also misbehave. */
class Client {
  readonly messages: Message[] = [];
  closeCode: number | null = null;
  readonly socket: WebSocket;

  constructor(socket: WebSocket) {
    this.socket = socket;
    socket.on('message', (data: Buffer) => this.messages.push(JSON.parse(data.toString())));
    socket.on('close', (code) => {
      this.closeCode = code;
    });
    socket.on('error', () => {});
  }

  send(message: object): void {
    this.socket.send(JSON.stringify(message));
  }

  subscribe(id: string, query: string, rest: object = {}): void {
    this.send({ id, type: 'subscribe', payload: { query, ...rest } });
  }

  /** The messages of one operation, once `type` is among them. */
  async heard(id: string, type: string): Promise<Message[]> {
    const own = () => this.messages.filter((message) => message.id === id);
    await until(() => own().some((message) => message.type === type) || this.closeCode !== null);
    return own();
  }
}

async function connect(to = gateway, headers: Readonly<Record<string, string>> = {}): Promise<Client> {
  const client = new Client(
    new WebSocket(`ws://127.0.0.1:${to.port}/graphql`, 'graphql-transport-ws', { headers }),
  );
  await once(client.socket, 'open');
  client.send({ type: 'connection_init' });
  await until(() => client.messages.length === 1);
  return client;
}

/** The status with which an upgrade is refused. */
async function refusedUpgrade(path: string, headers: Readonly<Record<string, string>>): Promise<number> {
  const socket = new WebSocket(`ws://127.0.0.1:${gateway.port}${path}`, 'graphql-transport-ws', { headers });
  socket.on('error', () => {});
  const [, response] = await once(socket, 'unexpected-response');
  return response.statusCode;
}

const follow = (id: string) => `subscription { run(id: "${id}") { id status } }`;

describe('operations on a socket', () => {
  it('streams each event, then completes', async () => {
    const client = await connect();
    client.subscribe('1', follow('a'));
    await until(() => gateway.feed.count() === 1);
    gateway.feed.push('a', 'RUNNING');
    gateway.feed.push('a', 'SUCCEEDED');
    gateway.feed.end();
    expect(await client.heard('1', 'complete')).toEqual([
      { id: '1', type: 'next', payload: { data: { run: { id: 'a', status: 'RUNNING' } } } },
      { id: '1', type: 'next', payload: { data: { run: { id: 'a', status: 'SUCCEEDED' } } } },
      { id: '1', type: 'complete' },
    ]);
  });

  it('answers queries and mutations as HTTP does', async () => {
    const client = await connect();
    client.subscribe('1', 'query($name: String) { hello(name: $name) }', { variables: { name: 'you' } });
    client.subscribe('2', 'mutation { touch }');
    client.subscribe('3', 'query A { hello } query B { fresh }', { operationName: 'B' });
    expect((await client.heard('1', 'complete'))[0]?.payload).toEqual({ data: { hello: 'Hello you' } });
    expect((await client.heard('2', 'complete'))[0]?.payload).toEqual({ data: { touch: 'touched' } });
    expect((await client.heard('3', 'complete'))[0]?.payload.extensions.upstream.V1.state).toBe('READY');
  });

  it.each([
    ['a syntax error', '{', {}, 'GRAPHQL_PARSE_FAILED'],
    ['an unknown field', '{ nothing }', {}, 'GRAPHQL_VALIDATION_FAILED'],
    [
      'too many levels',
      `{ ${'nested { '.repeat(12)} value ${'}'.repeat(13)}`,
      {},
      'GRAPHQL_VALIDATION_FAILED',
    ],
    [
      'too many aliases',
      `{ ${Array.from({ length: 31 }, (_, i) => `a${i}: hello`).join(' ')} }`,
      {},
      'GRAPHQL_VALIDATION_FAILED',
    ],
    ['too many tokens', `{ ${'hello '.repeat(1001)} }`, {}, 'GRAPHQL_PARSE_FAILED'],
    [
      'a subscription without a field',
      'subscription { run(id: "a") @skip(if: true) { status } }',
      {},
      'GRAPHQL_VALIDATION_FAILED',
    ],
    [
      'a subscription whose fragment has no field',
      'subscription { ...F } fragment F on Subscription { run(id: "a") @include(if: false) { status } }',
      {},
      'GRAPHQL_VALIDATION_FAILED',
    ],
    ['no such operation', 'query A { hello }', { operationName: 'B' }, 'OPERATION_RESOLUTION_FAILURE'],
    ['two operations and no name', 'query A { hello } query B { hello }', {}, 'OPERATION_RESOLUTION_FAILURE'],
  ])('answers %s with an error and leaves the other operations alone', async (_name, query, rest, code) => {
    const client = await connect();
    client.subscribe('stays', follow('a'));
    client.subscribe('bad', query, rest);
    const [bad] = await client.heard('bad', 'error');
    expect(bad?.payload[0].extensions).toEqual({ code });
    gateway.feed.push('a', 'RUNNING');
    expect((await client.heard('stays', 'next'))[0]?.payload.data.run.status).toBe('RUNNING');
    expect(client.closeCode).toBeNull();
  });

  it('answers a failing context, variable or resolver with an error and lives on', async () => {
    await using broken = await startGateway({
      createLoaders: () => {
        throw new Error('no loaders today');
      },
    });
    const client = await connect(broken);
    client.subscribe('1', '{ hello }');
    const [failure] = await client.heard('1', 'error');
    expect(failure?.payload[0].extensions.code).toBe('INTERNAL_SERVER_ERROR');
    expect(JSON.stringify(client.messages)).not.toContain('no loaders today');
    expect(client.closeCode).toBeNull();
    const well = await connect();
    well.subscribe('1', 'query($number: Even) { even(number: $number) }', { variables: { number: 3 } });
    well.subscribe('2', '{ bug }');
    well.subscribe('3', follow('nobody'));
    const code = async (id: string) => (await well.heard(id, 'next'))[0]?.payload.errors[0].extensions.code;
    expect(await code('1')).toBe('BAD_USER_INPUT');
    expect(await code('2')).toBe('INTERNAL_SERVER_ERROR');
    expect(await code('3')).toBe('NOT_FOUND');
    expect(well.closeCode).toBeNull();
  });

  it('hands a failing event on and goes on with the next', async () => {
    const client = await connect();
    client.subscribe('1', follow('a'));
    await until(() => gateway.feed.count() === 1);
    gateway.feed.push('a', 'FAILED');
    gateway.feed.push('a', 'RUNNING');
    gateway.feed.end();
    const [failed, next] = await client.heard('1', 'complete');
    expect(failed?.payload.errors[0].extensions).toEqual({ code: 'UPSTREAM_UNAVAILABLE' });
    expect(next?.payload.data.run.status).toBe('RUNNING');
  });

  it('lets 100 operations be under way; one more gets an error, until there is room again', async () => {
    const client = await connect();
    for (let i = 0; i < 100; i++) client.subscribe(`s${i}`, follow('a'));
    await until(() => gateway.feed.count() === 100);
    client.subscribe('more', follow('a'));
    const [refused] = await client.heard('more', 'error');
    expect(refused?.payload[0].message).toContain('100 operations');
    expect(gateway.feed.count()).toBe(100);
    client.send({ id: 's0', type: 'complete' });
    await until(() => gateway.feed.count() === 99);
    client.subscribe('again', follow('a'));
    await until(() => gateway.feed.count() === 100);
    gateway.feed.push('a', 'RUNNING');
    expect((await client.heard('again', 'next'))[0]?.payload.data.run.status).toBe('RUNNING');
    expect(client.closeCode).toBeNull();
  });

  it('stops following when the client completes, closes or is cut off', async () => {
    const [first, second, third] = [await connect(), await connect(), await connect()];
    for (const client of [first, second, third]) client.subscribe('1', follow('a'));
    await until(() => gateway.feed.count() === 3);
    first.send({ id: '1', type: 'complete' });
    await until(() => gateway.feed.count() === 2);
    second.socket.close();
    await until(() => gateway.feed.count() === 1);
    third.socket.terminate();
    await until(() => gateway.feed.count() === 0);
    expect(gateway.feed.count()).toBe(0);
  });

  it('tells a syntax error first seen on a socket the same way over HTTP', async () => {
    const client = await connect();
    const query = '{ first seen on a socket';
    client.subscribe('1', query);
    await client.heard('1', 'error');
    const answer = await post(gateway, { query }, { accept: 'application/graphql-response+json' });
    expect(answer.status).toBe(400);
    expect(answer.json.errors[0].extensions).toEqual({ code: 'GRAPHQL_PARSE_FAILED' });
  });
});

describe('sockets that are refused or misbehave', () => {
  it('refuses an upgrade for another Host, from another origin or at another path', async () => {
    const origin = `http://127.0.0.1:${gateway.port}`;
    expect(await refusedUpgrade('/graphql', { host: 'evil.example' })).toBe(421);
    expect(await refusedUpgrade('/graphql', { origin: 'http://evil.example' })).toBe(403);
    expect(await refusedUpgrade('/graphql', { origin: 'http://localhost:3000' })).toBe(403);
    expect(await refusedUpgrade('/graphql', { origin: 'null' })).toBe(403);
    expect(await refusedUpgrade('/other', { origin })).toBe(404);
    await connect(gateway, { origin });
  });

  it('takes upgrades from a configured origin', async () => {
    await using configured = await startGateway({ allowedHosts: ['app.example'] });
    const client = await connect(configured, { origin: 'https://app.example' });
    expect(client.messages).toEqual([{ type: 'connection_ack' }]);
  });

  it('closes a socket that does not introduce itself in time, speaks before that, or speaks another protocol', async () => {
    const open = async (protocol: string) => {
      const client = new Client(new WebSocket(`ws://127.0.0.1:${gateway.port}/graphql`, protocol));
      await once(client.socket, 'open').catch(() => {});
      return client;
    };
    const silent = await open('graphql-transport-ws');
    const early = await open('graphql-transport-ws');
    early.subscribe('1', '{ hello }');
    await until(() => silent.closeCode !== null && early.closeCode !== null);
    expect([silent.closeCode, early.closeCode]).toEqual([4408, 4401]);
    const other = await open('graphql-ws');
    await until(() => other.closeCode !== null);
  });

  it.each([
    ['no JSON', (client: Client) => client.socket.send('{'), 4400],
    ['an unknown type', (client: Client) => client.send({ id: '1', type: 'invent' }), 4400],
    ['a query that is no string', (client: Client) => client.subscribe('1', 7 as never), 4400],
    ['a second introduction', (client: Client) => client.send({ type: 'connection_init' }), 4429],
    [
      'more than 100 kB',
      (client: Client) => client.subscribe('1', `{ hello } #${'x'.repeat(100_000)}`),
      1009,
    ],
    [
      'an id that is in use',
      (client: Client) => {
        client.subscribe('1', follow('a'));
        client.subscribe('1', follow('a'));
      },
      4409,
    ],
  ])('closes the socket that sent %s, and no other', async (_name, misbehave, code) => {
    const [good, bad] = [await connect(), await connect()];
    good.subscribe('1', follow('b'));
    misbehave(bad);
    await until(() => bad.closeCode !== null);
    expect(bad.closeCode).toBe(code);
    await until(() => gateway.feed.count() === 1);
    gateway.feed.push('b', 'RUNNING');
    await good.heard('1', 'next');
    expect(good.closeCode).toBeNull();
  });

  it('takes a message of 100 kB', async () => {
    const client = await connect();
    const pad = 'x'.repeat(
      100_000 - JSON.stringify({ id: '1', type: 'subscribe', payload: { query: '{ hello } #' } }).length,
    );
    client.subscribe('1', `{ hello } #${pad}`);
    await client.heard('1', 'complete');
    expect(client.closeCode).toBeNull();
  });
});

describe('shutting down', () => {
  it('lets subscriptions complete that the watchers have ended, then says goodbye', async () => {
    const client = await connect();
    client.subscribe('1', follow('a'));
    await until(() => gateway.feed.count() === 1);
    gateway.feed.push('a', 'RUNNING');
    gateway.feed.end();
    await gateway.close();
    expect((await client.heard('1', 'complete')).map(({ type }) => type)).toEqual(['next', 'complete']);
    expect(client.closeCode).toBe(1001);
  });
});
