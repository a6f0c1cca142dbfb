import { expect, inject, onTestFinished, test } from 'vitest';
import { openPostgres } from '../../src/ledger/postgres.js';
import { toPostgres } from '../../src/ledger/postgres-sql.js';
import { testPostgresUrl } from '../support/databases.js';
import { PASSWORD } from '../support/postgres-server.js';
import { until } from '../support/until.js';
import { messageOf, startChild, tempEngine, testLedger } from './support.js';

test('placeholders are numbered, save in literals and names, and columns of text compare by code units', async () => {
  expect(toPostgres(`select '?' as "a?", it''s from t where x = ? and y in (?, ?)`)).toBe(
    `select '?' as "a?", it''s from t where x = $1 and y in ($2, $3)`,
  );
  const engine = await tempEngine();
  await engine.query("create table t (id text primary key, word text not null default 'text')");
  for (const id of ['b', 'A', 'a', 'Z', 'é', '_']) await engine.query('insert into t (id) values (?)', [id]);
  const rows = await engine.query<{ id: string }>('select id from t order by id');
  expect(rows.map(({ id }) => id)).toEqual(['A', 'Z', '_', 'a', 'b', 'é']);
  expect(await engine.query('select id from t where id > ? and word = ? order by id', ['_', 'text'])).toEqual(
    ['a', 'b', 'é'].map((id) => ({ id })),
  );
});

test('numbers come as numbers, sums and counts too, and what is compared as 0 or 1', async () => {
  const engine = await tempEngine();
  await engine.query('create table t (n bigint, x double precision)');
  await engine.query('insert into t (n, x) values (?, ?), (?, ?)', [1_800_000_000_123, 0.5, 2, null]);
  expect(
    await engine.query(
      'select count(*) as count, sum(n) as sum, max(x) as x, exists(select 1) as there from t',
    ),
  ).toEqual([{ count: 2, sum: 1_800_000_000_125, x: 0.5, there: 1 }]);
});

test('text that Postgres cannot hold finds nothing, and is written as text that it can', async () => {
  const engine = await tempEngine();
  await engine.query('create table t (id text primary key)');
  const odd = 'a\0b\uD83D';
  expect(await engine.query('select id from t where id = ?', [odd])).toEqual([]);
  await engine.query('insert into t (id) values (?)', [odd]);
  expect(await engine.query('select id from t')).toEqual([{ id: 'a\uFFFDb\uFFFD' }]);
});

test('what one process notifies is heard by every other, and by itself, once', async () => {
  const url = await testPostgresUrl();
  const one = await tempEngine(url);
  const two = await tempEngine(url);
  const heard: string[] = [];
  for (const [name, engine] of Object.entries({ one, two })) {
    engine.onNotify((topic) => heard.push(`${name} heard ${topic}`));
  }
  await one.tx(async (tx) => {
    tx.notify('a');
    tx.notify('a');
  });
  await two.tx(async (tx) => tx.notify('b'));
  await until(() => heard.length === 4);
  expect(new Set(heard)).toEqual(new Set(['one heard a', 'two heard a', 'one heard b', 'two heard b']));
});

test('writers of two processes run one after the other, each reading what the other has written', async () => {
  const url = await testPostgresUrl();
  const one = await tempEngine(url);
  const two = await tempEngine(url);
  await one.query('create table t (n bigint)');
  await one.query('insert into t (n) values (0)');
  const add = (i: number): Promise<unknown> =>
    (i % 2 === 0 ? one : two).tx(async (tx) => {
      const [row] = await tx.query<{ n: number }>('select n from t');
      await tx.query('update t set n = ?', [(row?.n ?? 0) + 1]);
    });
  await Promise.all(Array.from({ length: 40 }, (_, i) => add(i)));
  expect(await two.query('select n from t')).toEqual([{ n: 40 }]);
});

test('readers wait for no writer, and a snapshot stays as it was begun', async () => {
  const engine = await tempEngine();
  await engine.query('create table t (n bigint)');
  await engine.tx(async (tx) => {
    await tx.query('insert into t (n) values (1)');
    const counts = await Promise.all(
      Array.from({ length: 20 }, () => engine.snapshot((asker) => asker.query('select n from t'))),
    );
    expect(counts).toEqual(counts.map(() => []));
  });
  const both = await engine.snapshot(async (asker) => {
    const before = await asker.query('select count(*) as n from t');
    await engine.query('insert into t (n) values (2)');
    return [before, await asker.query('select count(*) as n from t')];
  });
  expect(both).toEqual([[{ n: 1 }], [{ n: 1 }]]);
});

test('a statement that failed fails its transaction, whether or not the work minded', async () => {
  const engine = await tempEngine();
  await engine.query('create table t (id text primary key)');
  const work = engine.tx(async (tx) => {
    await tx.query("insert into t (id) values ('a')");
    await tx.query('select nonsense from t').catch(() => undefined);
    return 'fine';
  });
  await expect(work).rejects.toThrow('nonsense');
  expect(await engine.query('select id from t')).toEqual([]);
});

test('what cannot be used is refused with a sentence that has no password in it', async () => {
  const good = new URL(inject('postgresUrl'));
  const changed = (change: (url: URL) => void): string => {
    const url = new URL(good);
    change(url);
    return url.href;
  };
  const cases: readonly (readonly [string, RegExp])[] = [
    [changed((url) => (url.pathname = '/nowhere')), /does not exist/],
    [changed((url) => (url.username = 'nobody')), /refuses this user or password/],
    [changed((url) => (url.password = `${PASSWORD}!`)), /refuses this user or password/],
    [changed((url) => (url.password = '')), /asks for a password/],
    [changed((url) => (url.port = '1')), /cannot be reached/],
    [changed((url) => url.searchParams.set('sslmode', 'verify-full')), /secure connection/],
    [`postgres://postgres:${PASSWORD}@127.0.0.1:port/postgres`, /not a URL of Postgres/],
  ];
  for (const [url, expected] of cases) {
    const message = await messageOf(async () => {
      const engine = await openPostgres(url);
      onTestFinished(() => engine.close());
    });
    expect(message).toMatch(expected);
    expect(message).toContain(expected.source === 'not a URL of Postgres' ? 'DATABASE_URL' : '127.0.0.1');
    expect(message).not.toContain(PASSWORD);
  }
});

test('closing waits for what is under way and refuses what comes later', async () => {
  const url = await testPostgresUrl();
  const engine = await openPostgres(url);
  await engine.query('create table t (n bigint)');
  const slow = engine.tx(async (tx) => {
    await new Promise((resolve) => setTimeout(resolve, 50));
    await tx.query('insert into t (n) values (1)');
  });
  const closing = engine.close();
  expect(await messageOf(() => engine.query('select n from t'))).toContain('is closed');
  expect(await messageOf(() => engine.tx(async () => undefined))).toContain('is closed');
  await Promise.all([slow, closing, engine.close()]);
  const again = await tempEngine(url);
  expect(await again.query('select n from t')).toEqual([{ n: 1 }]);
});

test("the time is the database's, in a process whose clock is an hour off and jumps", async () => {
  const child = startChild('clock', await testPostgresUrl());
  expect(await child.ended).toBe(0);
  // The database of the tests is on this machine, whose clock is right.
  const off = child.lines.map((line) => Math.abs(Number(line) - Date.now()));
  expect(off).toHaveLength(2);
  expect(Math.max(...off)).toBeLessThan(5_000);
});

test('several programs that start at once on an empty database bring it up together', async () => {
  const url = await testPostgresUrl();
  const engines = await Promise.all(Array.from({ length: 5 }, () => tempEngine(url)));
  const ledgers = await Promise.all(engines.map((engine) => testLedger({ engine })));
  const secrets = await Promise.all(ledgers.map((ledger) => ledger.secret('files')));
  expect(new Set(secrets.map((secret) => Buffer.from(secret).toString('hex'))).size).toBe(1);
  const steps = await engines[0]?.query<{ version: number }>(
    'select version from migrations order by version',
  );
  expect(steps?.map(({ version }) => version)).toEqual(steps?.map((_, i) => i + 1));
});
