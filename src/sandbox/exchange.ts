import type { Caller } from './auth.js';
import type { Answer, Call } from './http.js';
import type { JsonObject } from './json.js';
import type { Run } from './run.js';
import type { Scope } from './scope.js';
import type { World } from './world.js';

/** One request with everything its endpoint may need. */
export interface Exchange {
  readonly world: World;
  readonly call: Call;
  readonly caller: Caller;
  /** The caller's data. */
  readonly scope: Scope;
  /** The id in the path; empty where there is none. */
  readonly id: string;
  /** The decoded body; empty for a GET. */
  readonly body: JsonObject;
  readonly requestId: string;
  readonly idempotencyKey: string | null;
  /** Unix ms, the same for the whole request. */
  readonly now: number;
}

interface RouteBase {
  /** `:id` stands for one segment. */
  readonly path: string;
  /** The routes of that name are limited together; without it each is by itself. */
  readonly limit?: 'files';
}

/** Reads something. */
export interface ReadRoute extends RouteBase {
  readonly kind: 'read';
  answer(exchange: Exchange): Answer;
}

/** Creates a run. Apart from showing it, because a repeated request shows without creating. */
export interface CreateRoute extends RouteBase {
  readonly kind: 'create';
  create(exchange: Exchange): Run;
  show(exchange: Exchange, run: Run): Answer;
}

/** Needs no key: the link itself is the permission. */
export interface OpenRoute extends RouteBase {
  readonly kind: 'open';
  answer(world: World, call: Call, id: string): Answer;
}

export type Route = ReadRoute | CreateRoute | OpenRoute;
