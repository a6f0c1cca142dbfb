import { once } from 'node:events';
import { createServer, connect as dial, type Socket } from 'node:net';

/** What happens to what a client has just sent: it is passed on, lost with the connection, or passed on without an answer. */
export type Verdict = 'pass' | 'cut' | 'cut after';

export interface ProxiedConnection {
  /** All that the client has sent. */
  sent(): string;
  /** Ends both sides at once. */
  cut(): void;
  /** From now on nothing gets through, and nobody is told. */
  freeze(): void;
}

/** A proxy between a program and a server on this machine, whose connections can be broken one by one. */
export interface TcpProxy {
  readonly port: number;
  /** The same URL, through the proxy. */
  through(url: string): string;
  /** Those that are open. */
  readonly connections: ReadonlySet<ProxiedConnection>;
  /** Is asked about each piece that a client sends. */
  judge(judge: (sent: string, connection: ProxiedConnection) => Verdict): void;
  close(): Promise<void>;
}

export async function startProxy(targetPort: number): Promise<TcpProxy> {
  const connections = new Set<ProxiedConnection>();
  let judge: (sent: string, connection: ProxiedConnection) => Verdict = () => 'pass';

  function proxy(client: Socket): void {
    const target = dial(targetPort, '127.0.0.1');
    let sent = '';
    let frozen = false;
    const connection: ProxiedConnection = {
      sent: () => sent,
      cut() {
        client.destroy();
        target.destroy();
      },
      freeze: () => {
        frozen = true;
      },
    };
    connections.add(connection);
    for (const socket of [client, target]) {
      socket.on('error', () => undefined);
      socket.on('close', () => {
        connections.delete(connection);
        if (!frozen) connection.cut();
      });
    }
    client.on('data', (bytes) => {
      const text = bytes.toString('latin1');
      sent += text;
      if (frozen) return;
      const verdict = judge(text, connection);
      if (verdict === 'cut') connection.cut();
      else if (verdict === 'pass') target.write(bytes);
      else {
        // The server answers once it has done it; the answer goes nowhere.
        target.removeAllListeners('data');
        target.once('data', () => connection.cut());
        target.write(bytes);
      }
    });
    target.on('data', (bytes) => {
      if (!frozen) client.write(bytes);
    });
  }

  const server = createServer(proxy).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('The proxy has no port.');
  const { port } = address;
  return {
    port,
    through(url) {
      const through = new URL(url);
      through.port = String(port);
      return through.href;
    },
    connections,
    judge(next) {
      judge = next;
    },
    async close() {
      server.close();
      for (const connection of connections) connection.cut();
      await once(server, 'close');
    },
  };
}
