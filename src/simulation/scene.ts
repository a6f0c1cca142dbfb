import { existsSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Engine } from '../ledger/engine.js';
import { openSqlite } from '../ledger/sqlite.js';
import { type Account, openAccount } from './account.js';
import { Crowd } from './crowd.js';
import { seeded } from './seeded.js';
import { createUpstream, type Upstream } from './upstream.js';
import { VirtualClock } from './virtual-clock.js';

/** What goes on upstream and who watches it. */
export interface Load {
  readonly accounts: number;
  /** How many runs of each API run at any time, per account. */
  readonly runs: number;
  /** One in so many of v1's runs is running: 1 where all are, 100 where one in a hundred is. */
  readonly spread: number;
  /** How many follow each run. */
  readonly subscribers: number;
  readonly webhooks: boolean;
}

export interface Figures {
  /** Requests a second for one account, besides creates: the mean, and the most in any second of the first account. */
  readonly reads: number;
  readonly mostReads: number;
  readonly creates: number;
  /** Ms from the end of a run upstream to each subscriber, ascending. */
  readonly delays: readonly number[];
  /** Transactions and single writing statements a second, all accounts together. */
  readonly writes: number;
}

const START = Date.UTC(2026, 0, 5, 9);
/** Virtual seconds that are measured. */
const MEASURED_S = 120;
/** A file system in memory where there is one: the disk's own time is not what is looked at. */
const MEMORY = existsSync('/dev/shm') ? '/dev/shm' : tmpdir();

/** Runs the watch over a load on virtual time. The same seed gives the same figures. `onProgress` is told the part that is done. */
export async function simulate(
  load: Load,
  seed: number,
  onProgress: (part: number) => void,
): Promise<Figures> {
  const folder = await mkdtemp(join(MEMORY, 'simulation-'));
  const clock = new VirtualClock(START);
  const random = seeded(seed);
  const { engine, writes } = counting(openSqlite(join(folder, 'ledger.db'), clock.now));
  const trip = (): { there: number; back: number; lost: null } => {
    const ms = 40 + 160 * random() ** 3;
    return { there: ms / 2, back: ms / 2, lost: null };
  };
  const upstream = createUpstream({ clock, random, trip });
  const accounts: Account[] = [];
  try {
    upstream.control('POST', 'settings', { v2ConcurrentRuns: 1_000_000 });
    const crowd = new Crowd({ load, upstream, clock, random });
    for (let index = 0; index < load.accounts; index += 1) {
      // Live, because a test account may ask for a quarter only.
      const apiKey = `sk_live_a${index}`;
      const account = await openAccount({ apiKey, engine, upstream, clock, random, webhooks: load.webhooks });
      accounts.push(account);
      account.watch.start();
      crowd.begin(account);
    }
    // Until all that runs at first has been started, within the account's limits, and a while longer.
    const warmUp = crowd.beginsWithin / 1_000 + 60;
    const all = warmUp + MEASURED_S;
    for (let second = 0; second < warmUp; second += 1) {
      await clock.pass(1_000);
      onProgress(second / all);
    }
    const before = { writes: writes(), ...countsOf(upstream, '') };
    crowd.delays.length = 0;
    let mostReads = 0;
    for (let second = 0; second < MEASURED_S; second += 1) {
      const began = countsOf(upstream, 'sk_live_a0 ').reads;
      await clock.pass(1_000);
      mostReads = Math.max(mostReads, countsOf(upstream, 'sk_live_a0 ').reads - began);
      onProgress((warmUp + second + 1) / all);
    }
    const after = { writes: writes(), ...countsOf(upstream, '') };
    return {
      reads: (after.reads - before.reads) / MEASURED_S / load.accounts,
      mostReads,
      creates: (after.creates - before.creates) / MEASURED_S / load.accounts,
      delays: crowd.delays.toSorted((a, b) => a - b),
      writes: (after.writes - before.writes) / MEASURED_S,
    };
  } finally {
    const closed = Promise.all(accounts.map(({ watch }) => watch.close()));
    await clock.pass(60_000);
    await closed;
    await engine.close();
    await rm(folder, { recursive: true, force: true });
  }
}

/** Requests so far whose account and endpoint begin so. */
function countsOf({ calls }: Upstream, prefix: string): { reads: number; creates: number } {
  const counts = { reads: 0, creates: 0 };
  for (const [name, count] of calls) {
    if (name.startsWith(prefix)) counts[name.includes(' POST ') ? 'creates' : 'reads'] += count;
  }
  return counts;
}

/** An engine whose writes are counted: a transaction is one commit, whatever it holds. */
function counting(engine: Engine): { engine: Engine; writes: () => number } {
  let writes = 0;
  return {
    writes: () => writes,
    engine: {
      ...engine,
      query: (sql, params) => {
        if (!/^\s*select/i.test(sql)) writes += 1;
        return engine.query(sql, params);
      },
      tx: (work) => {
        writes += 1;
        return engine.tx(work);
      },
    },
  };
}
