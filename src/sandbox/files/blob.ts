import { createHmac, timingSafeEqual } from 'node:crypto';
import { header } from '../http.js';
import type { Answer, Call } from '../http.js';
import type { JsonObject } from '../json.js';
import { token } from '../random.js';
import { statusOf } from '../run.js';
import type { Run } from '../run.js';
import { findRun } from '../world.js';
import type { World } from '../world.js';
import { sendFile } from './send.js';

const LIFE_MS = 300_000;

/** v2's `download_url`: whoever has it may read the file for five minutes. */
export function linkTo(world: World, run: Run, now: number): JsonObject {
  const expiresAt = now + LIFE_MS;
  const claim = `${run.id}.${expiresAt}.${token(world.random, 8)}`;
  return {
    expires_at: new Date(expiresAt).toISOString(),
    url: `${world.origin}/blob/${claim}.${signatureOf(world, claim)}`,
  };
}

/** Answers in XML, as the object stores behind such links do. */
export function blob(world: World, call: Call, signed: string): Answer {
  if (header(call, 'authorization') !== null) {
    return refused(400, 'InvalidArgument', 'Only one auth mechanism allowed; the link itself is one.');
  }
  const [id = '', expiresAt = '', nonce = '', signature = ''] = signed.split('.');
  const expected = signatureOf(world, `${id}.${expiresAt}.${nonce}`);
  const genuine =
    signature.length === expected.length && timingSafeEqual(Buffer.from(signature), Buffer.from(expected));
  if (!genuine) return refused(403, 'SignatureDoesNotMatch', 'The signature does not match the link.');
  const now = world.now();
  if (Number(expiresAt) <= now) return refused(403, 'AccessDenied', 'Request has expired');
  const run = findRun(world, id);
  if (run === null || statusOf(run, now) !== 'succeeded')
    return refused(404, 'NoSuchKey', 'There is no such file.');
  return sendFile(world, call, run);
}

function signatureOf(world: World, claim: string): string {
  return createHmac('sha256', world.secret).update(claim).digest('base64url');
}

function refused(status: number, code: string, message: string): Answer {
  const xml = `<?xml version="1.0" encoding="UTF-8"?>\n<Error><Code>${code}</Code><Message>${message}</Message></Error>\n`;
  return { status, headers: { 'content-type': 'application/xml' }, body: Buffer.from(xml) };
}
