import type { ReportTypeDefinition } from '../data/report-types.js';

const HOUR_MS = 3_600_000;
/** 2022-11-09 00:00:00 UTC. */
const FIRST_DATA_MS = 1_667_952_000_000;

/** From when to when there is data, unix ms. The end advances at midnight and noon UTC, as Stripe's does. */
export function availabilityOf(
  lagHours: number,
  now: number,
): { readonly start: number; readonly end: number } {
  const boundary = Math.floor(now / (12 * HOUR_MS)) * 12 * HOUR_MS;
  return { start: FIRST_DATA_MS, end: boundary - lagHours * HOUR_MS };
}

/** The 400's texts for bounds outside the data; null where both are inside. Bounds in unix ms. */
export function outsideOf(
  type: ReportTypeDefinition,
  name: 'interval_start' | 'interval_end',
  at: number,
  now: number,
): string | null {
  const { start, end } = availabilityOf(type.lagHours, now);
  const asked = `you requested \`${name}\` = ${utc(at)}.`;
  const data = `Data for the report type ${type.id} is only available`;
  if (at < start) return `${data} starting at ${utc(start)}; ${asked}`;
  return at > end ? `${data} through ${utc(end)}; ${asked}` : null;
}

/** As Stripe's messages write a time: `2022-05-08 12:00:00 UTC`. */
function utc(at: number): string {
  return `${new Date(at).toISOString().slice(0, 19).replace('T', ' ')} UTC`;
}
