import type { IncomingMessage, ServerResponse } from 'node:http';

/** A request that is refused, in words for the caller. */
export interface Refusal {
  /** HTTP status. */
  readonly status: number;
  readonly code: string;
  readonly message: string;
  readonly headers?: Readonly<Record<string, string>>;
}

/** How long a client that was answered early may go on sending before its connection is cut. */
const LINGER_MS = 1_000;

/** Refuses in the shape of a GraphQL response, so that GraphQL clients show the sentence. */
export function refuse(req: IncomingMessage, res: ServerResponse, refusal: Refusal): void {
  const body = { errors: [{ message: refusal.message, extensions: { code: refusal.code } }] };
  closeUnread(req, res);
  send(res, refusal.status, 'application/json; charset=utf-8', JSON.stringify(body), refusal.headers);
}

/** Answers with one sentence, for people who follow a link. */
export function sendText(
  res: ServerResponse,
  status: number,
  sentence: string,
  headers: Readonly<Record<string, string>> = {},
): void {
  send(res, status, 'text/plain; charset=utf-8', `${sentence}\n`, headers);
}

export function sendJson(res: ServerResponse, status: number, body: unknown): void {
  send(res, status, 'application/json; charset=utf-8', JSON.stringify(body));
}

/**
 * Ends the connection of a request that was answered before its body was read. Not at once: a reset would take the
 * answer with it.
 */
export function closeUnread(req: IncomingMessage, res: ServerResponse): void {
  res.once('finish', () => {
    if (!req.complete) setTimeout(() => req.destroy(), LINGER_MS).unref();
  });
}

function send(
  res: ServerResponse,
  status: number,
  type: string,
  body: string,
  headers: Readonly<Record<string, string>> = {},
): void {
  res.writeHead(status, { ...headers, 'content-type': type, 'content-length': Buffer.byteLength(body) });
  res.end(body);
}
