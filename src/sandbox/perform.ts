import { authenticate } from './auth.js';
import { ApiError, errorOfStatus, invalid, invalidFields, notFound } from './errors.js';
import type { CreateRoute, Exchange } from './exchange.js';
import type { Fault } from './faults.js';
import { decodeForm } from './form.js';
import { answerOf, header, json } from './http.js';
import type { Answer, Call } from './http.js';
import { fingerprintOf } from './idempotency.js';
import type { KeyLock } from './idempotency.js';
import { isObject } from './json.js';
import type { JsonObject } from './json.js';
import type { LoggedRequest } from './request-log.js';
import { findRoute } from './routes.js';
import { scopeOf } from './world.js';
import type { World } from './world.js';

/** What to send, and what is to go wrong while it is sent. */
export interface Delivery {
  readonly answer: Answer;
  readonly fault: Fault | null;
}

const HOUR_MS = 3_600_000;
const V1_KEY_LIFE_MS = 24 * HOUR_MS;
const V2_KEY_LIFE_MS = 30 * 24 * HOUR_MS;

/** Does what a request asks, in the order Stripe does: who, how often, under which key, what. Never throws. */
export async function perform(world: World, call: Call, logged: LoggedRequest): Promise<Delivery> {
  try {
    return await dispatch(world, call, logged);
  } catch (error) {
    return { answer: answerOf(error), fault: null };
  }
}

async function dispatch(world: World, call: Call, logged: LoggedRequest): Promise<Delivery> {
  const found = findRoute(call.method, call.path);
  if (found?.route.kind === 'open') {
    const { route, id } = found;
    return read(world, call, () => route.answer(world, call, id));
  }
  const caller = authenticate(call);
  logged.account = caller.account;
  logged.mode = caller.mode;
  if (found === null) throw unknownPath(call);
  const { route, id } = found;
  const limit = route.limit ?? `${call.method} ${route.path}`;
  if (world.settings.limits) world.limiter.take(caller.account, caller.mode, limit);
  const exchange: Exchange = {
    world,
    call,
    caller,
    scope: scopeOf(world, caller.account, caller.mode),
    id,
    body: route.kind === 'create' ? decodeBody(call) : {},
    requestId: logged.requestId,
    idempotencyKey: logged.idempotencyKey,
    now: world.now(),
  };
  if (route.kind === 'create') return create(exchange, route);
  return read(world, call, () => route.answer({ ...exchange, now: world.now() }));
}

async function read(world: World, call: Call, answer: () => Answer): Promise<Delivery> {
  const fault = world.faults.take(call.method, call.path);
  if (fault?.kind === 'hold' && fault.when === 'before') await world.faults.hold(fault);
  const truth = attempt(answer);
  if (fault?.kind === 'hold' && fault.when === 'after') await world.faults.hold(fault);
  return { answer: fault === null ? truth : underFault(fault, truth, call), fault };
}

/** From here to the answer the request holds its idempotency key, so that a second one with it gets the 409. */
async function create(exchange: Exchange, route: CreateRoute): Promise<Delivery> {
  const { world, call } = exchange;
  const lock = acquire(exchange);
  const fault = world.faults.take(call.method, call.path);
  if (fault?.kind === 'hold' && fault.when === 'before') await world.faults.hold(fault);
  const effect = hasEffect(fault) ? execute({ ...exchange, now: world.now() }, route, lock) : null;
  if (fault?.kind === 'hold' && fault.when === 'after') await world.faults.hold(fault);
  const truth = effect?.answer ?? json(200, {});
  const answer = fault === null ? truth : underFault(fault, truth, call);
  settle(lock, exchange, effect, fault?.kind === 'error' && answer.status >= 500 ? answer : null);
  return { answer, fault };
}

function acquire({ world, call, caller, body, idempotencyKey }: Exchange): KeyLock | null {
  if (idempotencyKey === null) return null;
  if (idempotencyKey.length > 255) throw invalid('The Idempotency-Key must have at most 255 characters.');
  const [api, life] = isV2(call) ? (['v2', V2_KEY_LIFE_MS] as const) : (['v1', V1_KEY_LIFE_MS] as const);
  const scope = `${caller.account}:${caller.mode}:${api}`;
  return world.keys.acquire(scope, idempotencyKey, fingerprintOf(call.method, call.path, body), life);
}

interface Effect {
  readonly answer: Answer;
  readonly runId: string | null;
}

function execute(exchange: Exchange, route: CreateRoute, lock: KeyLock | null): Effect {
  const kept = lock?.kept ?? null;
  if (kept !== null && kept.answer !== null) {
    const headers = {
      ...kept.answer.headers,
      'idempotent-replayed': 'true',
      'original-request': kept.requestId,
    };
    return { answer: { ...kept.answer, headers }, runId: kept.runId };
  }
  let runId = kept?.runId ?? null;
  const answer = attempt(() => {
    const run = (runId === null ? null : exchange.scope.find(runId)) ?? route.create(exchange);
    runId = run.id;
    return route.show(exchange, run);
  });
  return { answer, runId };
}

/**
 * v1 keeps what its endpoint answered, or the `serverError` that a fault put in its place; what stopped the request
 * before it came to the endpoint leaves nothing. v2 keeps only what it created.
 */
function settle(
  lock: KeyLock | null,
  exchange: Exchange,
  effect: Effect | null,
  serverError: Answer | null,
): void {
  if (lock === null) return;
  const { requestId } = exchange;
  const runId = effect?.runId ?? null;
  if (lock.kept !== null) lock.release();
  else if (isV2(exchange.call)) {
    if (runId === null) lock.release();
    else lock.keep({ answer: null, runId, requestId });
  } else {
    const kept = serverError ?? effect?.answer ?? null;
    if (kept === null) lock.release();
    else lock.keep({ answer: kept, runId, requestId });
  }
}

/** A slow or held request does its work; any other fault that comes before the effect prevents it. */
function hasEffect(fault: Fault | null): boolean {
  return fault === null || fault.when === 'after' || fault.kind === 'slow' || fault.kind === 'hold';
}

function underFault(fault: Fault, truth: Answer, call: Call): Answer {
  const { kind, status, headers, body } = fault;
  if (kind === 'not_json') {
    const page = typeof body === 'string' ? body : '<html><body><h1>Something went wrong</h1></body></html>';
    return {
      status: status ?? 200,
      headers: { 'content-type': 'text/html', ...headers },
      body: Buffer.from(page),
    };
  }
  if (kind !== 'error') return { ...truth, headers: { ...truth.headers, ...headers } };
  const known = json(
    status ?? 500,
    body === undefined ? errorOfStatus(status ?? 500, isV2(call)) : body,
    headers,
  );
  return typeof body === 'string' ? { ...known, body: Buffer.from(body) } : known;
}

function attempt(answer: () => Answer): Answer {
  try {
    return answer();
  } catch (error) {
    return answerOf(error);
  }
}

function decodeBody(call: Call): JsonObject {
  const text = call.body.toString();
  if (!isV2(call)) return decodeForm(text);
  const type = header(call, 'content-type') ?? '';
  if (!/^application\/json\b/.test(type))
    throw invalidFields('(body)', `content-type is '${type}', not application/json.`);
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw invalidFields('(body)', 'it is not JSON.');
  }
  if (!isObject(value)) throw invalidFields('(body)', 'it is not a JSON object.');
  return value;
}

function unknownPath(call: Call): ApiError {
  const message = `Unrecognized request URL (${call.method}: ${call.path}). Please see https://docs.stripe.com.`;
  return isV2(call) ? notFound(message) : new ApiError(404, { message, type: 'invalid_request_error' });
}

function isV2(call: Call): boolean {
  return call.path.startsWith('/v2/');
}
