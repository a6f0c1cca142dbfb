import { createServer } from 'node:http';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { V1_VERSION } from './auth.js';
import { control } from './control/control.js';
import { deliver } from './deliver.js';
import { ApiError } from './errors.js';
import { answerOf, readCall } from './http.js';
import { perform } from './perform.js';
import { token } from './random.js';
import type { Random } from './random.js';
import { seed } from './seed.js';
import { addDestination, EVENT_TYPES, PAYLOADS } from './webhooks/destination.js';
import { startTicker } from './webhooks/ticker.js';
import { createWorld } from './world.js';
import type { World } from './world.js';

export interface SandboxOptions {
  /** 0, the default, for any free port. Always on 127.0.0.1. */
  readonly port?: number;
  /** How long a new run takes, give or take a fifth. Default 5. */
  readonly runSeconds?: number;
  /** Whether `acct_sandbox` begins with 150 v1 and 30 v2 runs. Default true. */
  readonly seed?: boolean;
  readonly random?: Random;
  /** Unix ms. All that takes time here is computed from it, so a test can move it. */
  readonly now?: () => number;
}

export interface Sandbox {
  /** Such as `http://127.0.0.1:4242`. */
  readonly origin: string;
  /** Posts what happens to the runs of `acct_sandbox` in test mode, v1's as snapshots and v2's as thin events, signed with the secret. */
  deliverTo(url: string, secret: string): void;
  /** Stops listening and ends open connections at once. */
  close(): Promise<void>;
}

/** A file given to a run comes as JSON. */
const CONTROL_MIB = 16;

/** A stand-in for Stripe's report-run endpoints. Rejects if the port is taken. */
export async function startSandbox(options: SandboxOptions = {}): Promise<Sandbox> {
  const random = options.random ?? Math.random;
  const world = createWorld(options.runSeconds ?? 5, options.now ?? Date.now, random);
  const server = createServer((request, response) => {
    serve(world, request, response).catch((error: unknown) => {
      response.destroy(error instanceof Error ? error : new Error(String(error)));
    });
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(options.port ?? 0, '127.0.0.1', resolve);
  });
  world.origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  if (options.seed ?? true) seed(world);
  const stopTicker = startTicker(world);
  return {
    origin: world.origin,
    deliverTo(url, secret) {
      for (const payload of PAYLOADS) {
        const events = EVENT_TYPES[payload];
        addDestination(world, { url, payload, secret, events, account: 'acct_sandbox', mode: 'test' });
      }
    },
    close() {
      stopTicker();
      world.webhooks.close();
      return new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
        world.faults.clear();
      });
    },
  };
}

async function serve(world: World, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const [path = '/', query = ''] = (request.url ?? '/').split(/\?(.*)/s);
  if (path.startsWith('/_sandbox/')) {
    const answer = await readCall(request, CONTROL_MIB)
      .then((call) => control(world, call))
      .catch(answerOf);
    await deliver(response, { answer, fault: null });
    return;
  }
  const requestId = `req_${token(world.random, 14)}`;
  const { 'idempotency-key': key, 'stripe-version': version, range = null } = request.headers;
  const logged = world.log.open({
    at: world.now(),
    method: request.method ?? 'GET',
    path,
    query,
    idempotencyKey: typeof key === 'string' && key !== '' ? key : null,
    requestId,
    keySent: request.headers.authorization !== undefined,
    version: typeof version === 'string' ? version : null,
    range,
  });
  response.once('close', () => world.log.add(logged));
  response.setHeader('request-id', requestId);
  const spoken = logged.version ?? (path.startsWith('/v2/') ? null : V1_VERSION);
  if (spoken !== null) response.setHeader('stripe-version', spoken);
  if (logged.idempotencyKey !== null) response.setHeader('idempotency-key', logged.idempotencyKey);
  const delivery = await readCall(request).then(
    (call) => perform(world, call, logged),
    (error: unknown) => (error instanceof ApiError ? { answer: answerOf(error), fault: null } : null),
  );
  // The client left before its request was whole.
  if (delivery === null) return;
  await deliver(response, delivery, {
    head(status) {
      logged.status = status;
      world.log.add(logged);
    },
    sent(bytes) {
      logged.bytesSent += bytes;
    },
  });
}
