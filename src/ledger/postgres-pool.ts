import { type Client, Pool } from 'pg';
import { isLost, Lost } from './postgres-errors.js';
import { type Session, watchErrors } from './postgres-session.js';

/** Connections of one gateway besides the one that listens: one writes at a time, the others read. */
const CONNECTIONS = 8;
/** How long `close` waits for connections to say good-bye, ms. */
const FAREWELL = 3_000;

/** Connections that are made when they are needed and kept for the next one who asks. */
export interface ConnectionPool {
  /** Lends a connection; throws `Lost` where none can be made. One that was lost meanwhile is not lent again. */
  lend<T>(work: (client: Client) => Promise<T>): Promise<T>;
  /** Waits for connections that are lent, but not for ones that have died. */
  close(): Promise<void>;
}

export function openPool({ config }: Session): ConnectionPool {
  const pool = new Pool({ ...config, max: CONNECTIONS });
  const clients = new Set<Client>();
  pool.on('error', () => undefined);
  pool.on('connect', (client) => {
    watchErrors(client);
    clients.add(client);
  });
  pool.on('remove', (client) => clients.delete(client));
  return {
    async lend(work) {
      const client = await pool.connect().catch((error: unknown) => {
        throw isLost(error) ? new Lost('There is no connection.', { cause: error }) : error;
      });
      try {
        return await work(client);
      } finally {
        client.release(client.connection.stream.destroyed);
      }
    },
    async close() {
      const timer = setTimeout(() => {
        for (const client of clients) client.connection.stream.destroy();
      }, FAREWELL);
      await pool.end();
      clearTimeout(timer);
    },
  };
}
