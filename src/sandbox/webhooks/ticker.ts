import { availabilityOf } from '../v1/availability.js';
import { scopeOf, tellEnds } from '../world.js';
import type { World } from '../world.js';
import { tellOfReportTypes } from './happenings.js';

/** How often it is looked whether something has happened, ms. */
const TICK_MS = 20;

/**
 * Notices what happens by itself, as long as there is a destination: runs end, data becomes available, deliveries fall due. All of it
 * by the world's clock, which a test may move. Gives the function that ends it.
 */
export function startTicker(world: World): () => void {
  let available = availabilityOf(0, world.now()).end;
  const timer = setInterval(() => {
    const now = world.now();
    const { end } = availabilityOf(0, now);
    const hasAdvanced = end > available;
    available = end;
    const destinations = world.webhooks.list();
    if (destinations.length === 0) return;
    tellEnds(world);
    if (hasAdvanced) {
      const scopes = destinations.map(({ account, mode }) => scopeOf(world, account, mode));
      for (const scope of new Set(scopes)) tellOfReportTypes(world, scope, null);
    }
    world.webhooks.pump();
  }, TICK_MS);
  timer.unref();
  return () => clearInterval(timer);
}
