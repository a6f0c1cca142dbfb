import type { WatchedPace } from '../ledger/followed-runs.js';

/** A read at most this old, in ms, is as good as a new one. */
export const FRESH_MS = 1_000;

/** An API that refused the key, in ms, is not asked again before. */
export const REFUSED_MS = 60_000;

/** How long, in ms, a reader waits for a refresh before it is answered from the ledger. */
export const READ_WAIT_MS = 2_000;

/**
 * How far behind, in ms, Stripe's lists may be: a run can appear in them this long after it was created. Head refreshes reach this
 * far below what they know, and a run that is not in the list is only taken for absent after this time.
 */
export const LIST_LAG_MS = 60_000;

/**
 * How far apart the looks are at a run that somebody watches: 1 s for a run just created, a tenth of its age later, 15 s at most; 30
 * to 60 s where webhooks tell of ends, but for the first seconds, in which a run may end before they could.
 */
export function watchedPace(webhooks: boolean): WatchedPace {
  return webhooks ? { least: 30_000, most: 60_000, young: 10_000 } : { least: 1_000, most: 15_000, young: 0 };
}

/** The pause, ms, before the next look at a run of this age, ms, that somebody watches. */
export function watchedPause(ageMs: number, { least, most, young }: WatchedPace): number {
  return ageMs < young ? 1_000 : clamp(ageMs / 10, least, most);
}

/** The pause before the next look at running runs that nobody watches: a minute, growing with age to 15 minutes. */
export function unwatchedPause(ageMs: number, random: () => number): number {
  return jittered(clamp(ageMs / 10, 60_000, 900_000), random);
}

/** The pause after `failures` failures in a row: 1 s, doubling to a minute. */
export function failurePause(failures: number, random: () => number): number {
  return jittered(clamp(1_000 * 2 ** (failures - 1), 1_000, 60_000), random);
}

/** Up to a tenth longer, never shorter, so that many gateways do not ask in step. */
export function jittered(ms: number, random: () => number): number {
  return Math.round(ms * (1 + random() / 10));
}

function clamp(value: number, least: number, most: number): number {
  return Math.min(Math.max(value, least), most);
}
