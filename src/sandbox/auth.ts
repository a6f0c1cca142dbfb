import { ApiError, invalid } from './errors.js';
import { header } from './http.js';
import type { Call } from './http.js';
import type { Mode } from './run.js';

/** Who asks, and in which version of the API. */
export interface Caller {
  readonly account: string;
  readonly mode: Mode;
  readonly version: string;
}

/** What v1 speaks where no version is asked for. */
export const V1_VERSION = '2026-10-28.endive';
/** v2 began with this one. */
const OLDEST_V2_VERSION = '2024-09-30';

/**
 * Reads the key (`sk_test_<name>` is the key of `acct_<name>` in test mode; also `rk_`, `live`), the connected account
 * and the version. Throws 401 for a key that cannot be one, 400 for the rest.
 */
export function authenticate(call: Call): Caller {
  const key = keyOf(call);
  const match = /^[sr]k_(test|live)_(\w+)$/.exec(key);
  if (match === null) throw unauthorized(`Invalid API Key provided: ${masked(key)}`);
  const mode = match[1] === 'live' ? 'live' : 'test';
  return { account: accountOf(call) ?? `acct_${match[2]}`, mode, version: versionOf(call) };
}

function keyOf(call: Call): string {
  const [, scheme = '', value = ''] = /^(\S+)\s+(.*)$/.exec(header(call, 'authorization') ?? '') ?? [];
  const key =
    scheme.toLowerCase() === 'bearer'
      ? value.trim()
      : scheme.toLowerCase() === 'basic'
        ? (Buffer.from(value, 'base64').toString().split(':')[0] ?? '')
        : '';
  if (key !== '') return key;
  throw unauthorized(
    'You did not provide an API key. You need to provide your API key in the Authorization header, using Bearer auth ' +
      "(e.g. 'Authorization: Bearer YOUR_SECRET_KEY').",
  );
}

function accountOf(call: Call): string | null {
  const account = header(call, 'stripe-account');
  const context = header(call, 'stripe-context');
  if (account !== null && context !== null) {
    throw invalid('You cannot send both the Stripe-Account and the Stripe-Context header.');
  }
  const asked = account ?? context?.split('/').at(-1) ?? null;
  if (asked !== null && !/^acct_\w+$/.test(asked)) {
    throw new ApiError(403, {
      code: 'account_invalid',
      message: `The provided key does not have access to account '${asked}' (or that account does not exist).`,
      type: 'invalid_request_error',
    });
  }
  return asked;
}

function versionOf(call: Call): string {
  const version = header(call, 'stripe-version');
  const isV2 = call.path.startsWith('/v2/');
  if (version === null) {
    if (!isV2) return V1_VERSION;
    throw badVersion('The Stripe-Version header is required for /v2 endpoints, such as 2026-04-22.dahlia.');
  }
  const date = /^(\d{4}-\d{2}-\d{2})(?:\.[a-z_]+)?$/.exec(version)?.[1];
  const known = date !== undefined && !Number.isNaN(Date.parse(date)) && (!isV2 || date >= OLDEST_V2_VERSION);
  if (!known) throw badVersion(`Invalid Stripe API version: ${version}.`);
  return version;
}

function badVersion(message: string): ApiError {
  return new ApiError(400, { code: 'invalid_api_version', message, type: 'invalid_request_error' });
}

function unauthorized(message: string): ApiError {
  return new ApiError(
    401,
    { message, type: 'invalid_request_error' },
    { 'www-authenticate': 'Basic realm="Stripe"' },
  );
}

function masked(key: string): string {
  return key.length <= 12
    ? '*'.repeat(key.length)
    : `${key.slice(0, 8)}${'*'.repeat(key.length - 12)}${key.slice(-4)}`;
}
