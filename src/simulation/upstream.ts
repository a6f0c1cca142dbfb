import { UpstreamError } from '../models/errors.js';
import type { JsonObject } from '../models/json.js';
import { type Admission, endpointOf, type Priority } from '../datasources/admission.js';
import { parseJson } from '../datasources/decode.js';
import { WireAnswer, WireFailure } from '../datasources/http-client.js';
import type { Answer, Transport } from '../datasources/transport.js';
import {
  failureOfAnswer,
  failureOfConnection,
  refusalOf,
  withRetryAfter,
} from '../datasources/upstream-failure.js';
import { isJsonObject } from '../models/json.js';
import { control } from '../sandbox/control/control.js';
import { perform } from '../sandbox/perform.js';
import { createWorld, type World } from '../sandbox/world.js';
import type { Clock } from '../watch/clock.js';

const V2_VERSION = '2026-04-22.dahlia';

/** What happens to a request on its way. */
export interface Trip {
  /** Ms until the request arrives, and again until its answer does. */
  readonly there: number;
  readonly back: number;
  /** Lost on the way there, or on the way back: then Stripe has done what was asked. */
  readonly lost: 'request' | 'answer' | null;
}

export interface UpstreamOptions {
  readonly clock: Clock;
  /** 0 up to but not including 1. */
  readonly random: () => number;
  readonly trip: (method: string, path: string) => Trip;
}

/** The sandbox without its sockets: its answers are the same, the way to it takes virtual time. */
export interface Upstream {
  readonly world: World;
  /** How many requests there were, by account and endpoint. */
  readonly calls: Map<string, number>;
  /** The way there for one instance: every request is admitted first, and none is repeated. */
  transport(apiKey: string, admission: Admission): Transport;
  /** Asks its control endpoint; at once. */
  control(method: string, path: string, body?: unknown): JsonObject;
}

/** A request that is lost is given up after so long, ms. */
const GIVEN_UP_MS = 4_500;
/** How long, ms, a request waits to be admitted. */
const WAIT_MS = 10_000;
const REQUEST_ID = 'req_simulated';

interface Request {
  readonly method: 'GET' | 'POST';
  /** Path and query. */
  readonly target: string;
  readonly body: string;
  readonly headers: Readonly<Record<string, string>>;
}

export function createUpstream({ clock, random, trip }: UpstreamOptions): Upstream {
  const world = createWorld(5, () => clock.now(), random);
  world.origin = 'http://upstream.invalid';
  const calls = new Map<string, number>();

  /** Gives null where no answer comes. */
  async function send(
    apiKey: string,
    { method, target, body, headers }: Request,
  ): Promise<WireAnswer | null> {
    const [path = '', query = ''] = target.split(/\?(.*)/s);
    const endpoint = `${apiKey} ${endpointOf(method, path)}`;
    calls.set(endpoint, (calls.get(endpoint) ?? 0) + 1);
    const { there, back, lost } = trip(method, path);
    await clock.wait(there);
    if (lost === 'request') return null;
    const logged = world.log.open({
      at: clock.now(),
      method,
      path,
      query,
      idempotencyKey: headers['idempotency-key'] ?? null,
      requestId: REQUEST_ID,
      keySent: true,
      version: null,
      range: null,
    });
    const call = { method, path, query, body: Buffer.from(body), headers: withKey(headers, apiKey, path) };
    const { answer, fault } = await perform(world, call, logged);
    if (lost === 'answer' || fault?.kind === 'timeout' || fault?.kind === 'reset') return null;
    await clock.wait(back);
    const answered = { 'request-id': REQUEST_ID, ...answer.headers };
    return new WireAnswer(answer.status, answered, textOf(answer.body));
  }

  async function request(
    apiKey: string,
    admission: Admission,
    priority: Priority,
    asked: Request,
  ): Promise<Answer> {
    const { method, target } = asked;
    const call = {
      endpoint: endpointOf(method, target),
      isRead: method === 'GET',
      priority,
      waitMs: WAIT_MS,
    };
    await admission.admit(call);
    const wire = await send(apiKey, asked);
    if (wire === null) return giveUp();
    if (wire.status >= 300) {
      const error = failureOfAnswer(wire, target, apiKey);
      if (error.kind !== 'rate_limited') throw error;
      throw withRetryAfter(error, await admission.refused(call, refusalOf(wire, error)));
    }
    const json = parseJson(wire.text);
    if (!isJsonObject(json)) throw new UpstreamError('contract', 'expected a JSON object');
    const replayed = wire.headers['idempotent-replayed'] === 'true';
    return { status: wire.status, body: json, requestId: REQUEST_ID, replayed };
  }

  async function giveUp(): Promise<never> {
    await clock.wait(GIVEN_UP_MS);
    throw failureOfConnection(new WireFailure('timeout', `gave no complete answer within ${GIVEN_UP_MS} ms`));
  }

  return {
    world,
    calls,
    transport(apiKey, admission) {
      const as = (priority: Priority): Transport => ({
        get: (target) =>
          request(apiKey, admission, priority, { method: 'GET', target, body: '', headers: {} }),
        post: (target, params, idempotencyKey) =>
          request(apiKey, admission, priority, {
            method: 'POST',
            target,
            body: written(target, params),
            headers: { 'idempotency-key': idempotencyKey, 'content-type': 'application/json' },
          }),
        as,
        close: () => Promise.resolve(),
      });
      return as('person');
    },
    control(method, path, body) {
      const [target = '', query = ''] = `/_sandbox/${path}`.split(/\?(.*)/s);
      const headers = { 'content-type': 'application/json' };
      const text = body === undefined ? '' : JSON.stringify(body);
      const answer = control(world, { method, path: target, query, headers, body: Buffer.from(text) });
      const json = parseJson(textOf(answer.body));
      if (answer.status >= 300) throw new Error(`${method} ${path}: ${textOf(answer.body)}`);
      return isJsonObject(json) ? json : {};
    },
  };
}

/** Files are not read here. */
function textOf(body: Buffer | object): string {
  return Buffer.isBuffer(body) ? body.toString() : '';
}

function withKey(
  headers: Readonly<Record<string, string>>,
  apiKey: string,
  path: string,
): Record<string, string> {
  const version = path.startsWith('/v2/') ? { 'stripe-version': V2_VERSION } : {};
  return { ...headers, ...version, authorization: `Bearer ${apiKey}` };
}

/** v1 takes forms, v2 JSON. */
function written(path: string, params: JsonObject): string {
  if (path.startsWith('/v2/')) return JSON.stringify(params);
  const form = new URLSearchParams();
  const add = (name: string, value: unknown): void => {
    if (typeof value === 'object' && value !== null) {
      for (const [key, part] of Object.entries(value)) add(`${name}[${key}]`, part);
    } else if (value !== undefined && value !== null)
      form.append(name, typeof value === 'string' ? value : JSON.stringify(value));
  };
  for (const [name, value] of Object.entries(params)) add(name, value);
  return form.toString();
}
