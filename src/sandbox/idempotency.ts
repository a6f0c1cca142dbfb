import { ApiError } from './errors.js';
import type { Answer } from './http.js';
import { isObject } from './json.js';
import type { JsonValue } from './json.js';

/** What a finished request left under its key: v1 keeps the answer itself, v2 only what was created. */
export interface Kept {
  readonly answer: Answer | null;
  readonly runId: string | null;
  /** The request that did the work. */
  readonly requestId: string;
}

/** A key in the hands of one request. One of `keep` and `release` must be called. */
export interface KeyLock {
  readonly kept: Kept | null;
  keep(kept: Kept): void;
  /** As if the request had never been: what was kept before stays, else the key is free. */
  release(): void;
}

export interface Idempotency {
  /** Throws the 409 while another request holds the key, and the 400 if it was used for something else. */
  acquire(scope: string, key: string, fingerprint: string, lifeMs: number): KeyLock;
  /** Frees all keys of the scopes whose names begin so. */
  forget(prefix: string): void;
}

interface Entry {
  readonly fingerprint: string;
  readonly expiresAt: number;
  busy: boolean;
  kept: Kept | null;
}

export function createIdempotency(now: () => number): Idempotency {
  const entries = new Map<string, Entry>();
  return {
    acquire(scope, key, fingerprint, lifeMs) {
      const name = `${scope} ${key}`;
      const known = entries.get(name);
      if (known?.busy) throw keyInUse(key);
      const entry =
        known !== undefined && known.expiresAt > now()
          ? known
          : { fingerprint, expiresAt: now() + lifeMs, busy: false, kept: null };
      if (entry.fingerprint !== fingerprint) throw otherParameters(key);
      entry.busy = true;
      entries.set(name, entry);
      return {
        kept: entry.kept,
        keep(kept) {
          entry.kept = kept;
          entry.busy = false;
        },
        release() {
          entry.busy = false;
          if (entry.kept === null) entries.delete(name);
        },
      };
    },
    forget(prefix) {
      for (const name of entries.keys()) if (name.startsWith(prefix)) entries.delete(name);
    },
  };
}

/** The same text for the same request, whatever the order of its parameters. */
export function fingerprintOf(method: string, path: string, body: JsonValue): string {
  return `${method} ${path} ${canonical(body)}`;
}

function canonical(value: JsonValue | undefined): string {
  if (Array.isArray(value)) return `[${value.map((item: JsonValue) => canonical(item)).join()}]`;
  if (!isObject(value)) return JSON.stringify(value ?? null);
  const keys = Object.keys(value).sort();
  return `{${keys.map((key) => `${JSON.stringify(key)}:${canonical(value[key])}`).join()}}`;
}

function keyInUse(key: string): ApiError {
  const message =
    'There is currently another in-progress request using this Idempotent Key (that probably means you submitted ' +
    `twice, and the other request is still going through): ${key}. Please try again later.`;
  return new ApiError(409, { code: 'idempotency_key_in_use', message, type: 'idempotency_error' });
}

function otherParameters(key: string): ApiError {
  const message =
    'Keys for idempotent requests can only be used with the same parameters they were first used with. ' +
    `Try using a key other than '${key}' if you meant to execute a different request.`;
  return new ApiError(400, { message, type: 'idempotency_error' });
}
