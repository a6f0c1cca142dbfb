import { validateHeaderValue } from 'node:http';
import { connect as connectTcp, isIP, type OnReadOpts, type Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';

/** A socket to where a URL leads, over TLS where it says so, that reads into the buffers of `onread`. */
export function connectTo(url: URL, onread: OnReadOpts): Socket {
  const host = url.hostname.replace(/^\[|\]$/g, '');
  if (url.protocol === 'http:') return connectTcp({ host, port: Number(url.port || 80), onread });
  const servername = isIP(host) === 0 ? { servername: host } : {};
  const options = { host, port: Number(url.port || 443), ALPNProtocols: ['http/1.1'], ...servername, onread };
  return connectTls(options);
}

/** A whole GET request, for a connection of its own. Throws where a header cannot be one. */
export function requestText(
  { pathname, search, host }: URL,
  headers: Readonly<Record<string, string>>,
): string {
  const lines = Object.entries({ host, connection: 'close', 'accept-encoding': 'identity', ...headers });
  for (const [name, value] of lines) validateHeaderValue(name, value);
  const head = lines.map(([name, value]) => `${name}: ${value}\r\n`).join('');
  return `GET ${pathname}${search} HTTP/1.1\r\n${head}\r\n`;
}

/** From names and values in turn, with names in lower case; what comes twice is one, with a comma. */
export function headersFrom(lines: readonly string[]): Record<string, string> {
  const headers: Record<string, string> = {};
  for (let at = 0; at + 1 < lines.length; at += 2) {
    const name = (lines[at] ?? '').toLowerCase();
    const value = lines[at + 1] ?? '';
    headers[name] = headers[name] === undefined ? value : `${headers[name]}, ${value}`;
  }
  return headers;
}
