import type { Engine } from '../../src/ledger/engine.js';
import { openSqlite } from '../../src/ledger/sqlite.js';
import { createUpstream, type Trip, type Upstream } from '../../src/simulation/upstream.js';
import { VirtualClock } from '../../src/simulation/virtual-clock.js';

const START = Date.UTC(2026, 0, 5, 9);

/** One database, one Stripe, any number of accounts, one after the other. */
export interface Stage {
  readonly engine: Engine;
  readonly clock: VirtualClock;
  readonly upstream: Upstream;
  /** How the next requests travel. */
  readonly losses: { left: number; method: string; lost: Trip['lost'] }[];
  accounts: number;
}

export async function openStage(file: string, random: () => number): Promise<Stage> {
  const clock = new VirtualClock(START);
  const losses: Stage['losses'] = [];
  const trip = (method: string): Trip => {
    const loss = losses.find((one) => one.left > 0 && one.method === method);
    if (loss !== undefined) loss.left -= 1;
    return { there: 20 + 200 * random(), back: 20 + 200 * random(), lost: loss?.lost ?? null };
  };
  const upstream = createUpstream({ clock, random, trip });
  upstream.control('POST', 'settings', { v2ConcurrentRuns: 1_000, runSeconds: 80_000 });
  return { engine: openSqlite(file, clock.now), clock, upstream, losses, accounts: 0 };
}
