import type { RunListing } from '../ledger/run-pages.js';
import type { RunPage, RunPageRequest, RunPosition } from '../models/run-page.js';
import { TOP } from './marks-v1.js';

/** A page of the ledger, and how far down it may be believed. */
export interface Look {
  readonly listing: RunListing;
  readonly floor: RunPosition | null;
}

/** Whether a listing is all that was asked for, its flags included. */
export function isEnough(request: RunPageRequest, { listing, floor }: Look): boolean {
  if (floor === null) return true;
  if (request.direction === 'forward') return isFilled(request, { listing, floor }) && listing.more;
  return isAbove(request.before, floor);
}

/** Whether what is below the floor could not add to a page that is read forward. */
function isFilled(request: RunPageRequest, { listing, floor }: Look): boolean {
  return floor === null || listing.runs.length === request.limit || isAbove(request.before, floor);
}

/** Whether all that is newer than a place is above the floor. */
function isAbove(place: RunPosition | null, floor: RunPosition): boolean {
  return place !== null && !isNewer(floor, place);
}

function isNewer(a: RunPosition, b: RunPosition): boolean {
  return a.createdAt > b.createdAt || (a.createdAt === b.createdAt && a.id > b.id);
}

/** The stretch of the order that a page speaks of: null is open. */
export function extent(
  request: RunPageRequest,
  { listing, floor }: Look,
): { from: RunPosition | null; to: RunPosition | null } {
  const newest = listing.runs[0] ?? null;
  const oldest = listing.runs.at(-1) ?? null;
  const isFull = listing.runs.length === request.limit;
  return request.direction === 'forward'
    ? { from: request.after, to: isFull ? oldest : (request.before ?? floor) }
    : { from: isFull ? newest : request.after, to: request.before };
}

/** The page as the reader gets it: below a floor there may always be more. */
export function toPage(request: RunPageRequest, look: Look): RunPage {
  const { runs, more, moreBefore } = look.listing;
  const isUnread = look.floor !== null;
  return request.direction === 'backward'
    ? { runs, hasPreviousPage: more, hasNextPage: moreBefore || isUnread, lookedUntil: null }
    : {
        runs,
        hasPreviousPage: moreBefore,
        hasNextPage: more || isUnread,
        lookedUntil: lookedUntil(request, look),
      };
}

/** Where a reader may go on who was shown all there is down to the floor. Never back above where the page began. */
function lookedUntil(request: RunPageRequest, look: Look): RunPosition | null {
  const { floor } = look;
  if (floor === null || isFilled(request, look)) return null;
  if (request.after !== null && isNewer(floor, request.after)) return request.after;
  return floor.createdAt < TOP.createdAt ? floor : null;
}
