import type { TestProject } from 'vitest/node';
import { startPostgres } from './postgres-server.js';

declare module 'vitest' {
  interface ProvidedContext {
    /** What the ledgers of this run are kept in. */
    engine: 'sqlite' | 'postgres';
    /** The server that all tests on Postgres share; each makes a database of its own. */
    postgresUrl: string;
  }
}

/** One server for all tests on Postgres. */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const server = await startPostgres();
  project.provide('postgresUrl', server.url);
  return () => server.close();
}
