// Who looks after a feed, as the database tells it.
import { LEASE_MS } from '../../dist/watch/keep-lease.js';
import { sleep } from './output.mjs';

/** Notes each claim of a feed: when it was made, whether it was given back, and when its lease would be over. */
export function watchClaims(database) {
  const claims = new Map();
  const over = new AbortController();
  const watching = (async () => {
    while (!over.signal.aborted) {
      for (const row of await database.query('select api, attempt, began, lease_until from feeds')) {
        const name = `${row.api} ${row.attempt}`;
        const known = claims.get(name) ?? { api: row.api, began: Number(row.began), isBack: false, lease: 0 };
        if (row.lease_until === null) known.isBack = true;
        else known.lease = Number(row.lease_until);
        claims.set(name, known);
      }
      await sleep(20);
    }
  })();
  return {
    async end() {
      over.abort();
      await watching;
      return [...claims.values()].sort((a, b) => a.began - b.began);
    },
  };
}

/**
 * Ms from a kill to the next claim: of each feed whose holder was killed in the middle of a tick, and of all that nobody was at. Those
 * killed while a feed still waits for its dead holder count for neither.
 */
export function takeOvers(claims, kills) {
  const orphaned = [];
  const other = [];
  for (const api of ['V1', 'V2']) {
    const own = claims.filter((claim) => claim.api === api);
    const isOrphan = (claim, next) => !claim.isBack && next.began >= claim.lease;
    for (const [at, claim] of own.entries()) {
      const next = own[at + 1];
      if (next === undefined) continue;
      const during = kills.filter((kill) => kill >= claim.began && kill < next.began);
      // A lease begins when its holder has last said that it goes on.
      const fatal = kills.find((kill) => kill >= claim.lease - LEASE_MS);
      if (!isOrphan(claim, next)) other.push(...during.map((kill) => next.began - kill));
      else if (fatal !== undefined) orphaned.push(next.began - fatal);
    }
  }
  return { orphaned, other };
}
