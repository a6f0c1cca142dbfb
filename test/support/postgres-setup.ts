import { statfsSync } from 'node:fs';
import { tmpdir } from 'node:os';
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

/** A file system in memory, on Linux. */
const MEMORY = '/dev/shm';
const ROOM = 1_000_000_000;

/**
 * One server for all tests on Postgres. It has the durable settings, but its files are in memory where there is room: nothing of it has to
 * outlive the tests, and waiting for the disk is most of what a transaction takes. The servers that tests kill are on the disk.
 */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const server = await startPostgres([], hasRoom(MEMORY) ? MEMORY : tmpdir());
  project.provide('postgresUrl', server.url);
  return () => server.close();
}

function hasRoom(folder: string): boolean {
  try {
    const { bavail, bsize } = statfsSync(folder);
    return bavail * bsize > ROOM;
  } catch {
    return false;
  }
}
