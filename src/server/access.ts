import type { IncomingMessage } from 'node:http';
import type { Refusal } from './respond.js';

const LOOPBACK: ReadonlySet<string> = new Set(['localhost', '127.0.0.1', '[::1]']);
/** A name, an IPv4 address or a bracketed IPv6 address, and a port. Anything a URL parser would rewrite is no match. */
const AUTHORITY = /^(\[[0-9a-f:.]+\]|[a-z0-9](?:[a-z0-9.-]*[a-z0-9])?)(?::([0-9]{1,5}))?$/;

/** Says why a request may not come in, or null if it may. */
export type AccessCheck = (req: IncomingMessage) => Refusal | null;

/**
 * Guards against other web sites: a page of theirs can make a browser send us requests, but it cannot choose `Host`
 * (which stops DNS rebinding) nor hide its `Origin`.
 *
 * @param allowedHosts Names accepted besides the loopback ones: `name` for any port, `name:port` for one.
 */
export function createAccessCheck(allowedHosts: readonly string[]): AccessCheck {
  const allowed = new Set(allowedHosts.map((host) => host.toLowerCase()));
  const isOurHost = (host: string): boolean => {
    const name = AUTHORITY.exec(host)?.[1];
    return name !== undefined && (LOOPBACK.has(name) || allowed.has(name) || allowed.has(host));
  };
  return (req) => {
    const host = hostOf(req);
    if (!isOurHost(host)) {
      return {
        status: 421,
        code: 'MISDIRECTED_REQUEST',
        message:
          'This gateway does not answer to the name in the Host header. Configure it in ALLOWED_HOSTS.',
      };
    }
    const { origin } = req.headers;
    if (origin === undefined) return null;
    const from = hostOfOrigin(origin);
    if (from !== null && (from === host || allowed.has(from))) return null;
    return {
      status: 403,
      code: 'FORBIDDEN',
      message: 'This gateway takes no requests from pages of another origin.',
    };
  };
}

/**
 * Scheme, host and port under which a request that passed the check reached us. A proxy that ends TLS says so; whoever else does
 * only gets such links himself.
 */
export function originOf(req: IncomingMessage): string {
  const isSecure = req.headers['x-forwarded-proto'] === 'https';
  return `${isSecure ? 'https' : 'http'}://${hostOf(req)}`;
}

function hostOf(req: IncomingMessage): string {
  return (req.headers.host ?? '').toLowerCase();
}

/** Null for `null`, which sandboxed pages and files send, and for whatever is no web origin. */
function hostOfOrigin(origin: string): string | null {
  return /^https?:\/\/([^/]+)$/.exec(origin.toLowerCase())?.[1] ?? null;
}
