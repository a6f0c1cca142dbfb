import { UpstreamError, type UpstreamErrorKind } from '../models/errors.js';
import type { FileAnswer } from './file-wire.js';

/** What was asked for: bytes of a file, both included, and whether they are all of it, which is asked for without `Range`. */
export interface AskedSpan {
  readonly start: number;
  readonly end: number;
  /** Bytes of the whole file. */
  readonly size: number;
  readonly isWhole: boolean;
}

/**
 * Where in an answer of status 200 or 206 the asked-for bytes are: after `skip` bytes, and whether others follow them. Throws
 * `contract` where the answer is about other bytes, or about a file of another size.
 */
export function readSpan(
  answer: FileAnswer,
  asked: AskedSpan,
): { readonly skip: number; readonly goesOn: boolean } {
  const { start, end, size, isWhole } = asked;
  const length = bytesOf(answer.headers['content-length']);
  if (answer.status === 200) {
    if (length !== null && length !== size) throw notTheFile(`${size} bytes`, `${length}`);
    return { skip: start, goesOn: end < size - 1 };
  }
  const { 'content-range': range } = answer.headers;
  const [, from, to, of] = /^bytes (\d{1,15})-(\d{1,15})\/(\d{1,15}|\*)$/.exec(String(range)) ?? [];
  const isIt =
    !isWhole && Number(from) === start && Number(to) === end && (of === '*' || Number(of) === size);
  const came = from === undefined ? 'a part of it that is not named' : `${from} to ${to} of ${of}`;
  if (!isIt) throw notTheFile(`bytes ${start} to ${end} of ${size}`, came);
  return { skip: 0, goesOn: false };
}

/** The error for an answer that is not 200 or 206. */
export function failureOfFile(answer: FileAnswer, withKey: boolean): UpstreamError {
  const { status, headers } = answer;
  const { 'request-id': requestId } = headers;
  return new UpstreamError(kindOf(status, withKey), messageOf(status), {
    status,
    requestId: requestId ?? null,
    effect: 'none',
  });
}

function notTheFile(expected: string, came: string): UpstreamError {
  return new UpstreamError(
    'contract',
    `What came from Stripe is not the file of this report run: expected ${expected}, got ${came}.`,
  );
}

function bytesOf(header: string | undefined): number | null {
  return header !== undefined && /^\d{1,15}$/.test(header) ? Number(header) : null;
}

/** Where no key was sent, 400, 401 and 403 are about the link, and another may work. */
function kindOf(status: number, withKey: boolean): UpstreamErrorKind {
  if (status >= 500) return 'unavailable';
  switch (status) {
    case 400:
      return withKey ? 'contract' : 'unavailable';
    case 401:
      return withKey ? 'unauthenticated' : 'unavailable';
    case 403:
      return withKey ? 'forbidden' : 'unavailable';
    case 404:
    case 410:
      return 'not_found';
    case 429:
      return 'rate_limited';
    default:
      return 'contract';
  }
}

function messageOf(status: number): string {
  if (status === 404 || status === 410) return 'Stripe does not have the file any more.';
  // The file has the size that the run states, so whoever finds the range outside of it has another.
  if (status === 416) return 'Stripe has a shorter file than the report run states.';
  return `Stripe answered with HTTP ${status} instead of the file.`;
}
