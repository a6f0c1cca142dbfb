import type { IncomingHttpHeaders, IncomingMessage } from 'node:http';
import { ApiError, invalid } from './errors.js';
import type { Content } from './files/content.js';

/** A request as it came, read to its end. */
export interface Call {
  readonly method: string;
  /** Without the query. */
  readonly path: string;
  readonly query: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
}

/** An answer. Only files come as Content. */
export interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Buffer | Content;
}

const MIB = 1024 * 1024;

export function json(status: number, body: unknown, headers: Readonly<Record<string, string>> = {}): Answer {
  const text = JSON.stringify(body);
  return { status, headers: { 'content-type': 'application/json', ...headers }, body: Buffer.from(text) };
}

/** Reads a request's body. Rejects if the client leaves before its end, or sends more than so many MiB. */
export async function readCall(request: IncomingMessage, mostMib = 1): Promise<Call> {
  const url = request.url ?? '/';
  const mark = url.indexOf('?');
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size <= mostMib * MIB) chunks.push(chunk);
  }
  if (size > mostMib * MIB)
    throw invalid(`The request has ${size} bytes; at most ${mostMib * MIB} are read.`);
  return {
    method: request.method ?? 'GET',
    path: mark < 0 ? url : url.slice(0, mark),
    query: mark < 0 ? '' : url.slice(mark + 1),
    headers: request.headers,
    body: Buffer.concat(chunks),
  };
}

/** A header that must not come twice. */
export function header(call: Call, name: string): string | null {
  const value = call.headers[name];
  return typeof value === 'string' && value !== '' ? value : null;
}

/** The answer a thrown error stands for; what is no ApiError is a defect of the sandbox and says so. */
export function answerOf(error: unknown): Answer {
  if (error instanceof ApiError) return json(error.status, error.body, error.headers);
  const detail = error instanceof Error ? error.message : String(error);
  return json(500, { error: { message: `The sandbox itself failed: ${detail}`, type: 'api_error' } });
}
