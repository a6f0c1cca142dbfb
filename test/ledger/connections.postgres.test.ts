import { expect, inject, onTestFinished, test } from 'vitest';
import type { Engine } from '../../src/ledger/engine.js';
import { testPostgresUrl } from '../support/databases.js';
import { type ProxiedConnection, startProxy, type TcpProxy } from '../support/tcp-proxy.js';
import { until } from '../support/until.js';
import { messageOf, tempEngine } from './support.js';

interface Proxied {
  /** Reaches the database through the proxy. */
  readonly engine: Engine;
  /** Reaches the same database directly. */
  readonly other: Engine;
  readonly proxy: TcpProxy;
}

async function proxied(): Promise<Proxied> {
  const url = await testPostgresUrl();
  const proxy = await startProxy(Number(new URL(inject('postgresUrl')).port));
  onTestFinished(() => proxy.close());
  const other = await tempEngine(url);
  const engine = await tempEngine(proxy.through(url));
  await engine.query('create table t (id bigint)');
  return { engine, other, proxy };
}

const listening = ({ connections }: TcpProxy): ProxiedConnection[] =>
  [...connections].filter((connection) => connection.sent().includes('listen '));

const rows = (engine: Engine): Promise<unknown> => engine.query('select id from t order by id');

test('only the listening connection is cut: the gap is told, notifications come again, and nothing else minds', async () => {
  const { engine, other, proxy } = await proxied();
  const heard: string[] = [];
  let gaps = 0;
  engine.onNotify((topic) => heard.push(topic));
  engine.onGap(() => (gaps += 1));
  const [ear, ...more] = listening(proxy);
  expect(more).toEqual([]);
  ear?.cut();
  await engine.tx((tx) => tx.query('insert into t (id) values (1)'));
  await until(() => gaps === 1);
  await other.tx(async (tx) => tx.notify('after the gap'));
  await until(() => heard.includes('after the gap'));
  expect(heard).toEqual(['after the gap']);
  expect([gaps, listening(proxy).length]).toEqual([1, 1]);
});

test('a listening connection that died without a word is noticed by its silence', async () => {
  const { engine, other, proxy } = await proxied();
  const heard: string[] = [];
  let gaps = 0;
  engine.onNotify((topic) => heard.push(topic));
  engine.onGap(() => (gaps += 1));
  for (const ear of listening(proxy)) ear.freeze();
  await other.tx(async (tx) => tx.notify('unheard'));
  await until(() => gaps === 1, 15_000);
  await other.tx(async (tx) => tx.notify('heard'));
  await until(() => heard.length > 0);
  expect(heard).toEqual(['heard']);
});

test('connections that are cut while they are idle or read are made again, and the reader does not notice', async () => {
  const { engine, proxy } = await proxied();
  await engine.query('insert into t (id) values (1)');
  for (const connection of proxy.connections) connection.cut();
  expect(await rows(engine)).toEqual([{ id: 1 }]);
  let cuts = 0;
  proxy.judge((sent) => (sent.includes('select id from t') && cuts++ < 2 ? 'cut after' : 'pass'));
  expect(await rows(engine)).toEqual([{ id: 1 }]);
  expect(await engine.snapshot((asker) => asker.query('select id from t'))).toEqual([{ id: 1 }]);
  expect(cuts).toBeGreaterThan(2);
});

test('a transaction that loses its connection before its COMMIT is done again, once', async () => {
  const { engine, other, proxy } = await proxied();
  const heard: string[] = [];
  other.onNotify((topic) => heard.push(topic));
  for (const [id, word] of [/begin/, /insert/, /pg_notify/, /commit(?!ted)/].entries()) {
    let cuts = 0;
    let runs = 0;
    proxy.judge((sent) => {
      if (cuts > 0 || !word.test(sent)) return 'pass';
      cuts += 1;
      return 'cut';
    });
    await engine.tx(async (tx) => {
      runs += 1;
      await tx.query('insert into t (id) values (?)', [id]);
      tx.notify(`inserted ${id}`);
    });
    expect([word, cuts, runs]).toEqual([word, 1, id === 0 ? 1 : 2]);
  }
  expect(await rows(other)).toEqual([0, 1, 2, 3].map((id) => ({ id })));
  await until(() => heard.length >= 4);
  expect(heard).toEqual([0, 1, 2, 3].map((id) => `inserted ${id}`));
});

test('a COMMIT whose answer was lost is not repeated: that it may have been kept is said', async () => {
  const { engine, other, proxy } = await proxied();
  let cuts = 0;
  proxy.judge((sent) => (/commit(?!ted)/.test(sent) && cuts++ === 0 ? 'cut after' : 'pass'));
  const message = await messageOf(() => engine.tx((tx) => tx.query('insert into t (id) values (1)')));
  expect(message).toContain('not known whether the change was kept');
  expect(await rows(other)).toEqual([{ id: 1 }]);
  await engine.tx((tx) => tx.query('insert into t (id) values (2)'));
  expect(await rows(other)).toEqual([{ id: 1 }, { id: 2 }]);
});

test('an outage that lasts is an error within bounds, for a whole queue at once, and is over when it is over', async () => {
  const { engine, other, proxy } = await proxied();
  proxy.judge(() => 'cut');
  for (const connection of proxy.connections) connection.cut();
  const started = performance.now();
  const asked = Array.from({ length: 20 }, (_, id) =>
    engine.tx((tx) => tx.query('insert into t (id) values (?)', [id])),
  );
  const results = await Promise.allSettled([...asked, rows(engine)]);
  expect(performance.now() - started).toBeLessThan(25_000);
  for (const result of results) {
    expect(result).toMatchObject({ status: 'rejected', reason: { name: 'LedgerError' } });
    expect(String(result.status === 'rejected' && result.reason)).toContain('cannot be reached');
  }
  proxy.judge(() => 'pass');
  await until(() =>
    rows(engine).then(
      () => true,
      () => false,
    ),
  );
  expect(await rows(other)).toEqual([]);
});
