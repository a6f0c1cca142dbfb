import { once } from 'node:events';
import type { ServerResponse } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import { inMemory } from './files/content.js';
import type { Delivery } from './perform.js';

/** What is told of an answer on its way. */
interface Progress {
  /** The status, just before it leaves. */
  head(status: number): void;
  /** Bytes of the body that were handed to the connection. */
  sent(bytes: number): void;
}

/** Sends an answer, or fails to in the way its fault asks for. */
export async function deliver(
  response: ServerResponse,
  { answer, fault }: Delivery,
  progress?: Progress,
): Promise<void> {
  // Who left meanwhile gets nothing; the work is done all the same.
  if (response.destroyed) return;
  const kind = fault?.kind ?? null;
  if (kind === 'timeout') return;
  if (kind === 'reset') {
    response.socket?.resetAndDestroy();
    return;
  }
  const content = 'pieces' in answer.body ? answer.body : inMemory(answer.body);
  const send = (piece: Buffer): boolean => {
    progress?.sent(piece.length);
    return response.write(piece);
  };
  progress?.head(answer.status);
  if (kind === 'truncated') {
    response.writeHead(answer.status, { ...answer.headers, 'content-length': Math.max(1, content.size) });
    for (const piece of content.pieces(0, Math.floor(content.size / 2)))
      if (!send(piece)) await drained(response);
    response.socket?.end();
    return;
  }
  response.writeHead(answer.status, { ...answer.headers, 'content-length': content.size });
  for (const piece of content.pieces(0, content.size)) {
    if (response.destroyed) return;
    if (kind === 'slow') await trickle(piece, fault?.delayMs ?? 0);
    else if (!send(piece)) await drained(response);
  }
  response.end();

  async function trickle(piece: Buffer, delayMs: number): Promise<void> {
    for (let at = 0; at < piece.length && !response.destroyed; at++) {
      send(piece.subarray(at, at + 1));
      await sleep(delayMs);
    }
  }
}

/** Until the connection takes more, or is gone. */
async function drained(response: ServerResponse): Promise<void> {
  if (response.destroyed) return;
  const gone = new AbortController();
  const leave = (): void => gone.abort();
  response.once('close', leave);
  await once(response, 'drain', { signal: gone.signal }).catch(() => {});
  response.off('close', leave);
}
