import { createHmac, timingSafeEqual } from 'node:crypto';

export const FILES_PREFIX = '/files/';

export interface FileLinksOptions {
  /** Part of what is signed: a link made for one account is forged for every other. */
  readonly account: string;
  /** Each 32 bytes or more. The first signs, all verify: a key that is to go stays behind the new one until its links are old. */
  readonly keys: readonly [Uint8Array, ...Uint8Array[]];
  /** Unix ms. */
  readonly now: () => number;
}

/** What a link turned out to be. */
export type FileLinkCheck = { readonly runId: string } | 'expired' | 'forged';

export interface FileLinks {
  /** A path that opens the run's file for `expiresIn` seconds. `expiresAt` is unix ms, a whole second. */
  sign(runId: string, expiresIn: number): { readonly path: string; readonly expiresAt: number };
  /** Takes the path with its query string. Only a genuine link is ever called expired. */
  verify(path: string): FileLinkCheck;
}

/** Links to files that work without any other credential, for a limited time. */
export function createFileLinks({ account, keys, now }: FileLinksOptions): FileLinks {
  const signatureOf = (key: Uint8Array, runId: string, expires: string): Buffer =>
    createHmac('sha256', key)
      .update(JSON.stringify(['file-link.1', account, runId, expires]))
      .digest();

  return {
    sign(runId, expiresIn) {
      const expires = Math.floor(now() / 1_000) + expiresIn;
      const signature = signatureOf(keys[0], runId, String(expires)).toString('base64url');
      return {
        path: `${FILES_PREFIX}${encodeURIComponent(runId)}?expires=${expires}&signature=${signature}`,
        expiresAt: expires * 1_000,
      };
    },
    verify(path) {
      const parts = /^\/files\/([^/?]+)\?expires=([1-9][0-9]{0,11})&signature=([\w-]{43})$/.exec(path);
      const [, encodedId, expires, signature] = parts ?? [];
      if (encodedId === undefined || expires === undefined || signature === undefined) return 'forged';
      const runId = decoded(encodedId);
      // Percent signs and the two bits that 43 characters have to spare: only one writing of a link is genuine.
      if (runId === null || encodeURIComponent(runId) !== encodedId) return 'forged';
      const given = Buffer.from(signature, 'base64url');
      if (given.length !== 32 || given.toString('base64url') !== signature) return 'forged';
      const isGenuine = keys.some((key) => timingSafeEqual(given, signatureOf(key, runId, expires)));
      if (!isGenuine) return 'forged';
      return Number(expires) * 1_000 <= now() ? 'expired' : { runId };
    },
  };
}

function decoded(text: string): string | null {
  try {
    return decodeURIComponent(text);
  } catch {
    return null;
  }
}
