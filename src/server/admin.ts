import { mkdirSync } from 'node:fs';
import { chmod, rm } from 'node:fs/promises';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { connect } from 'node:net';
import { dirname } from 'node:path';
import type { Logger } from 'pino';
import { GatewayError } from '../models/errors.js';
import { loggable } from './errors.js';
import { sendJson } from './respond.js';

/** What an operator's command asks for, and the answer as JSON. Errors that are GatewayErrors are shown to the operator. */
export type AdminRoutes = Readonly<Record<string, (body: unknown) => Promise<unknown>>>;

export interface AdminServerOptions {
  /** The path of the socket. */
  readonly path: string;
  /** By method and path, such as `GET /intents`. */
  readonly routes: AdminRoutes;
  readonly log: Logger;
}

const BODY_MAX = 10_000;
/** Owner only: whoever may open the socket may do all that the routes do. */
const SOCKET_MODE = 0o600;
const FOLDER_MODE = 0o700;

/** How often, ms, a gateway that found the socket taken looks whether it is free. */
const RETRY_MS = 2_000;

/**
 * The route for operators: HTTP on a Unix socket that only the user of the gateway may open. Not on the port: behind a proxy on the
 * same machine, every request comes from the loopback address. What stands in the way of it is logged and stops nothing else. Where
 * another gateway has the socket, this one takes it when that has ended. Resolves to what closes it.
 */
export async function openAdmin(options: AdminServerOptions): Promise<() => Promise<void>> {
  const { path, log } = options;
  const server = createServer((req, res) => {
    answer(options, req, res).catch((error: unknown) => {
      log.error({ err: loggable(error) }, 'an operator’s command failed unexpectedly');
      if (!res.headersSent)
        sendJson(res, 500, { error: 'The gateway failed unexpectedly; its log says why.' });
    });
  });
  let retry: NodeJS.Timeout | undefined;
  let isClosed = false;
  let opening = Promise.resolve();

  async function open(isFirst: boolean): Promise<void> {
    try {
      mkdirSync(dirname(path), { recursive: true, mode: FOLDER_MODE });
      if (!(await isAnswered(path))) {
        await rm(path, { force: true });
        await listen(server, path);
        return await chmod(path, SOCKET_MODE);
      }
      if (isFirst)
        log.info(
          { path },
          'operators’ commands go to the gateway that has the socket, until it ends; ADMIN_SOCKET names another',
        );
      if (isClosed) return;
      retry = setTimeout(() => {
        opening = open(false);
      }, RETRY_MS).unref();
    } catch (error) {
      log.warn(
        { err: loggable(error), path },
        'operators’ commands cannot reach this gateway; see ADMIN_SOCKET',
      );
    }
  }

  opening = open(true);
  await opening;
  return async () => {
    isClosed = true;
    clearTimeout(retry);
    await opening;
    if (!server.listening) return;
    await new Promise<void>((resolve) => {
      server.close(() => resolve());
      server.closeAllConnections();
    });
  };
}

async function answer({ routes }: AdminServerOptions, req: IncomingMessage, res: ServerResponse) {
  const route = routes[`${req.method} ${req.url}`];
  if (route === undefined) return sendJson(res, 404, { error: `There is no ${req.method} ${req.url} here.` });
  try {
    sendJson(res, 200, await route(await bodyOf(req)));
  } catch (error) {
    if (!(error instanceof GatewayError)) throw error;
    sendJson(res, error.code === 'BAD_USER_INPUT' ? 422 : 502, { error: error.message });
  }
}

async function bodyOf(req: IncomingMessage): Promise<unknown> {
  let text = '';
  for await (const part of req.setEncoding('utf8')) {
    text += String(part);
    if (text.length > BODY_MAX) throw new GatewayError('BAD_USER_INPUT', 'The request is too long.');
  }
  try {
    return text === '' ? null : JSON.parse(text);
  } catch {
    throw new GatewayError('BAD_USER_INPUT', 'The request is not JSON.');
  }
}

/** Whether a process listens there; a file that a killed one left behind does not answer. */
function isAnswered(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(path, () => {
      socket.destroy();
      resolve(true);
    });
    socket.on('error', () => resolve(false));
  });
}

/** The file is made for the owner alone from the start. */
function listen(server: Server, path: string): Promise<void> {
  return new Promise((resolve, reject) => {
    const mask = process.umask(0o777 & ~SOCKET_MODE);
    try {
      server.once('error', reject);
      server.listen(path, resolve);
    } finally {
      process.umask(mask);
    }
  });
}
