import type { JsonValue } from '../models/json.js';
import { readText } from './decode.js';

const KEY = /\b(?:sk|rk|pk|ek|whsec)_[\w*.…-]+/gi;
const BEARER = /\b(?:bearer|basic)\s+[\w+/=.~*-]{8,}/gi;
const LINK = /\b[a-z][a-z0-9+.-]*:\/\/\S+/gi;
const HOST = /\b(?:[\w-]+\.)*(?:stripe|stripeusercontent)\.com\b\S*/gi;
const LONGEST = 500;

/** One line of Stripe's that can be shown to a client: without keys, credentials, links, and what follows the first line. */
export function scrub(message: string, apiKey: string): string {
  const [line = ''] = message.split(/[\r\n]/, 1);
  const known = apiKey === '' ? line : line.replaceAll(apiKey, '[key]');
  const clean = known
    .replace(LINK, '[link]')
    .replace(HOST, '[link]')
    .replace(BEARER, '[credentials]')
    .replace(KEY, '[key]')
    .trim();
  return clean.length > LONGEST ? `${clean.slice(0, LONGEST)}…` : clean;
}

/** A text of Stripe's inside an answer, as it may be shown; null for what is no text. */
export function shownText(value: JsonValue | undefined): string | null {
  const text = readText(value);
  return text === null ? null : scrub(text, '');
}
