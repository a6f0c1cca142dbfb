import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Client } from 'pg';
import { inject, onTestFinished } from 'vitest';

/** A database of its own, empty. */
export interface TestDatabase {
  /** A DATABASE_URL. */
  readonly url: string;
  /** Removes it, whoever is still connected. */
  drop(): Promise<void>;
}

/** On the engine of this run: the same tests run on SQLite and on Postgres. Whoever makes it drops it. */
export async function makeDatabase(): Promise<TestDatabase> {
  if (inject('engine') === 'postgres') return makePostgresDatabase();
  const folder = mkdtempSync(join(tmpdir(), 'ledger-'));
  return {
    url: `file:${join(folder, 'ledger.db')}`,
    drop: async () => rmSync(folder, { recursive: true, force: true }),
  };
}

/** On the shared server, or on the one of `serverUrl`. Whoever makes it drops it. */
export async function makePostgresDatabase(serverUrl = inject('postgresUrl')): Promise<TestDatabase> {
  const name = `test_${process.pid}_${Date.now().toString(36)}_${Math.floor(Math.random() * 1e9).toString(36)}`;
  await command(serverUrl, `create database ${name}`);
  const url = new URL(serverUrl);
  url.pathname = `/${name}`;
  return { url: url.href, drop: () => command(serverUrl, `drop database if exists ${name} with (force)`) };
}

/** The URL of a database on the engine of this run that goes when the test ends. */
export async function testDatabaseUrl(): Promise<string> {
  return untilTheEnd(await makeDatabase());
}

/** The URL of a Postgres database that goes when the test ends. */
export async function testPostgresUrl(serverUrl?: string): Promise<string> {
  return untilTheEnd(await makePostgresDatabase(serverUrl));
}

function untilTheEnd(database: TestDatabase): string {
  onTestFinished(() => database.drop());
  return database.url;
}

async function command(url: string, sql: string): Promise<void> {
  const client = new Client({ connectionString: url });
  client.on('error', () => undefined);
  await client.connect();
  try {
    await client.query(sql);
  } finally {
    await client.end();
  }
}
