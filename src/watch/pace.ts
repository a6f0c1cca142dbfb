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

/** So young, in ms, a run is looked at once a second even where webhooks tell of its end: it may end before they could. */
const YOUNG_MS = 10_000;

/**
 * The pause before the next look at runs that somebody watches: 1 s for a run just created, a tenth of its age later, 15 s at
 * most; 30 to 60 s where webhooks tell of ends. `ageMs` is that of the youngest one.
 */
export function watchedPause(
  ageMs: number,
  { webhooks, random }: { readonly webhooks: boolean; readonly random: () => number },
): number {
  const [least, most] = webhooks && ageMs > YOUNG_MS ? [30_000, 60_000] : [1_000, 15_000];
  return jittered(clamp(ageMs / 10, least, most), random);
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
function jittered(ms: number, random: () => number): number {
  return Math.round(ms * (1 + random() / 10));
}

function clamp(value: number, least: number, most: number): number {
  return Math.min(Math.max(value, least), most);
}
