import type { ServerResponse } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Delivery } from './perform.js';

/** Sends an answer, or fails to in the way its fault asks for. `onHead` is told the status just before it leaves. */
export async function deliver(
  response: ServerResponse,
  { answer, fault }: Delivery,
  onHead: (status: number) => void,
): Promise<void> {
  // Who left meanwhile gets nothing; the work is done all the same.
  if (response.destroyed) return;
  const kind = fault?.kind ?? null;
  if (kind === 'timeout') return;
  if (kind === 'reset') {
    response.socket?.resetAndDestroy();
    return;
  }
  const length = answer.body.length;
  onHead(answer.status);
  if (kind === 'truncated') {
    response.writeHead(answer.status, { ...answer.headers, 'content-length': length + 64 });
    response.write(answer.body.subarray(0, Math.ceil(length / 2)), () => response.destroy());
    return;
  }
  response.writeHead(answer.status, { ...answer.headers, 'content-length': length });
  if (kind === 'slow') {
    for (let at = 0; at < length && !response.destroyed; at++) {
      response.write(answer.body.subarray(at, at + 1));
      await sleep(fault?.delayMs ?? 0);
    }
    response.end();
    return;
  }
  response.end(answer.body);
}
