import { expect, onTestFinished, test } from 'vitest';
import type { Engine } from '../../src/ledger/engine.js';
import { openPostgres } from '../../src/ledger/postgres.js';
import { testPostgresUrl } from '../support/databases.js';
import { type PostgresServer, startPostgres } from '../support/postgres-server.js';
import { until } from '../support/until.js';
import { messageOf, tempEngine } from './support.js';

async function ownServer(...settings: string[]): Promise<PostgresServer> {
  const server = await startPostgres(settings);
  onTestFinished(() => server.close());
  return server;
}

interface Tally {
  /** What was promised to be kept. */
  readonly acknowledged: number[];
  /** What nobody could tell, and whatever else was said. */
  readonly failures: unknown[];
  end(): Promise<void>;
}

/** Inserts one number after the other, each in a transaction, until it is told to end. */
function keepWriting(engine: Engine, first: number, step: number): Tally {
  const acknowledged: number[] = [];
  const failures: unknown[] = [];
  const ending = new AbortController();
  const write = async (): Promise<void> => {
    for (let id = first; !ending.signal.aborted; id += step) {
      await engine
        .tx((tx) => tx.query('insert into t (id) values (?)', [id]))
        .then(() => acknowledged.push(id))
        .catch((error: unknown) => failures.push(error));
    }
  };
  const written = write();
  return {
    acknowledged,
    failures,
    async end() {
      ending.abort();
      await written;
    },
  };
}

for (const [name, blow] of [
  ['restarted', (server: PostgresServer) => server.shutDown()],
  ['killed', (server: PostgresServer) => server.kill()],
] as const) {
  test(`while the server is ${name} again and again, writers and readers wait; what was acknowledged is there, once`, async () => {
    const server = await ownServer();
    const url = await testPostgresUrl(server.url);
    const one = await tempEngine(url);
    const two = await tempEngine(url);
    await one.query('create table t (id bigint)');
    let gaps = 0;
    one.onGap(() => (gaps += 1));
    const tallies = [keepWriting(one, 0, 2), keepWriting(two, 1, 2)];
    for (let round = 1; round <= 3; round += 1) {
      const before = tallies.map(({ acknowledged }) => acknowledged.length);
      await until(() => tallies.every(({ acknowledged }, i) => acknowledged.length > (before[i] ?? 0) + 20));
      await blow(server);
      const read = two.query('select max(id) as n from t');
      await new Promise((resolve) => setTimeout(resolve, 300));
      await server.start();
      expect(await read).toHaveLength(1);
      await until(() => gaps >= round);
    }
    for (const tally of tallies) await tally.end();
    const rows = await one.query<{ id: number; times: number }>(
      'select id, count(*) as times from t group by id',
    );
    expect(rows.filter(({ times }) => times > 1)).toEqual([]);
    const kept = new Set(rows.map(({ id }) => id));
    expect(tallies.flatMap(({ acknowledged }) => acknowledged).filter((id) => !kept.has(id))).toEqual([]);
    // At most the one COMMIT that each writer had under way at each blow has an end that nobody knows.
    const failures = tallies.flatMap((tally) => tally.failures).map(String);
    expect(failures.filter((text) => !text.includes('not known whether the change was kept'))).toEqual([]);
    expect(failures.length).toBeLessThanOrEqual(6);
  });
}

test('a server that may lose what it acknowledged is refused with the reason, unless that is allowed', async () => {
  const server = await ownServer('fsync=off', 'full_page_writes=off');
  expect(await messageOf(() => openPostgres(server.url))).toContain('has fsync and full_page_writes off');
  const engine = await openPostgres(server.url, { allowUnsafe: true });
  expect(await engine.query('select 1 as n')).toEqual([{ n: 1 }]);
  await engine.close();
});

test('a database with synchronous_commit off is refused, and told by its name', async () => {
  const url = await testPostgresUrl();
  const database = new URL(url).pathname.slice(1);
  const engine = await tempEngine(url);
  await engine.query(`do $$ begin execute 'alter database ${database} set synchronous_commit = off'; end $$`);
  const message = await messageOf(() => openPostgres(url));
  expect(message).toContain('has synchronous_commit off');
  expect(message).toContain(database);
});
