import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Logger } from 'pino';
import { loggable } from './errors.js';
import { closeUnread, sendText } from './respond.js';

export const WEBHOOKS_PATH = '/webhooks/stripe';

/** Stripe's events about reports have a few kB. */
const MAX_BODY_BYTES = 256_000;

/**
 * Takes what was posted, as it came, with its `Stripe-Signature`. Resolves to null once it can no longer be lost, or to the sentence
 * that says why it is refused; rejects where it is genuine and could not be kept.
 */
export type WebhookReceiver = (body: Buffer, signature: string | null) => Promise<string | null>;

export type WebhookHandler = (req: IncomingMessage, res: ServerResponse) => Promise<void>;

/**
 * Where Stripe posts its events. Who is asking is told by the signature alone: neither `Host`, which is whatever name Stripe was given,
 * nor `Origin` says more.
 */
export function createWebhookHandler(receive: WebhookReceiver, log: Logger): WebhookHandler {
  return async (req, res) => {
    closeUnread(req, res);
    if (req.method !== 'POST')
      return sendText(res, 405, 'Stripe posts its events here; nothing else is taken.', { allow: 'POST' });
    const body = await readBody(req);
    if (body === 'gone') return;
    if (body === 'too long') return sendText(res, 400, `The body has more than ${MAX_BODY_BYTES} bytes.`);
    const { 'stripe-signature': signature } = req.headers;
    try {
      const refusal = await receive(body, typeof signature === 'string' ? signature : null);
      if (refusal === null) return sendText(res, 200, 'Taken.');
      log.warn({ reason: refusal }, 'a webhook was refused');
      sendText(res, 400, refusal);
    } catch (error) {
      log.error({ err: loggable(error) }, 'a webhook could not be kept; Stripe will deliver it again');
      sendText(res, 500, 'The event could not be kept. Deliver it again.');
    }
  };
}

/** The whole body. Of one that is too long the rest is left unread, without breaking the connection under the answer. */
function readBody(req: IncomingMessage): Promise<Buffer | 'too long' | 'gone'> {
  return new Promise((resolve) => {
    const chunks: Buffer[] = [];
    let size = 0;
    req.on('data', (chunk: Buffer) => {
      size += chunk.length;
      if (size <= MAX_BODY_BYTES) chunks.push(chunk);
      else {
        req.pause();
        resolve('too long');
      }
    });
    req.once('end', () => resolve(Buffer.concat(chunks)));
    req.once('error', () => resolve('gone'));
    req.once('close', () => resolve('gone'));
  });
}
