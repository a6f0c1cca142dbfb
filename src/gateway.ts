import type { Operations, Services } from './context.js';
import { createLoaders, schema } from './schema/index.js';
import { createFileLinks } from './server/file-links.js';
import { createGatewayServer, type GatewayServer, type GatewayServerOptions } from './server/server.js';
import { openServices, type ServicesOptions } from './services.js';

export interface GatewayOptions
  extends ServicesOptions,
    Pick<GatewayServerOptions, 'graphiql' | 'introspection' | 'allowedHosts'> {
  /** For links to files, the signing one first; where there are none, the ledger's own is used. */
  readonly fileSigningKeys: readonly Uint8Array[];
}

/** The graph of one account, ready to listen. */
export interface Gateway extends GatewayServer {
  readonly services: Services;
  /** For operators' commands, once it is known where they come in. */
  readonly operations: Operations;
  /** Unix ms by the ledger's clock, which all instances share. */
  now(): number;
  /** Completes the subscriptions, then closes sockets and HTTP, then the ledger and the connections to Stripe. */
  close(): Promise<void>;
}

/** Puts the services and the server together. Rejects as `openServices` does; it listens only when it is told to. */
export async function openGateway(options: GatewayOptions): Promise<Gateway> {
  const opened = await openServices(options);
  const { account } = opened.services;
  const now = (): number => opened.now();
  const [signing = opened.fileSecret, ...retired] = options.fileSigningKeys;
  const links = createFileLinks({ account, keys: [signing, ...retired], now });
  const services: Services = { ...opened.services, files: links };
  const server = createGatewayServer({
    schema,
    services,
    createLoaders,
    files: { open: opened.files.open, verify: (path) => links.verify(path) },
    receiveWebhook: opened.receiveWebhook,
    graphiql: options.graphiql,
    introspection: options.introspection,
    allowedHosts: options.allowedHosts,
    now,
    log: options.log,
  });
  return {
    services,
    operations: opened.operations,
    now,
    listen: (port, host) => server.listen(port, host),
    async close() {
      await opened.stop();
      await server.close();
      await opened.close();
    },
  };
}
