// Several instances that are killed and come back.
import { sleep } from './output.mjs';
import { openSubscribers } from './sockets.mjs';

export const random = (from, to) => from + Math.random() * (to - from);

/** The instances of one account. A killed one is started again with nothing but the database. */
export function openFleet({ shop, sandbox }, env, size) {
  const up = new Set();
  const kills = [];
  const starts = new Set();

  async function start() {
    const gateway = await shop.startGateway(sandbox, env);
    // Somebody watches on each, so that feeds have something to do once a second.
    const clients = openSubscribers(gateway.address);
    await clients.followAll();
    up.add({ ...gateway, clients });
  }

  return {
    kills,
    start: () => Promise.all(Array.from({ length: size }, start)),
    /** The address of one that is up; null where none is. */
    any: () => [...up][Math.floor(Math.random() * up.size)]?.address ?? null,
    isRich: () => up.size > 1,
    kill() {
      const victim = [...up][Math.floor(Math.random() * up.size)];
      up.delete(victim);
      kills.push(Date.now());
      victim.clients.close();
      const again = victim
        .end('SIGKILL')
        .then(() => sleep(random(500, 2_500)))
        .then(start)
        .finally(() => starts.delete(again));
      starts.add(again);
    },
    settled: () => Promise.all(starts),
    async close() {
      await Promise.all(starts);
      for (const { clients } of up) clients.close();
      await Promise.all([...up].map((gateway) => gateway.end()));
    },
  };
}
