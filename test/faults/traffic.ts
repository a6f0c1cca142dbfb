import { setTimeout as sleep } from 'node:timers/promises';
import { create, type Endpoint, v1Input, v2Input } from '../create/operations.js';
import { type Follower, follow } from './follower.js';

/** A gateway that traffic can be sent to. */
export interface Address extends Endpoint {
  readonly url: string;
}

/** Creates, lists and subscriptions that go on whatever happens, as those of clients do. */
export interface Traffic {
  /** Every run that a create was answered with, by its idempotency key: there must be one for each. */
  readonly acknowledged: ReadonlyMap<string, ReadonlySet<string>>;
  readonly followers: readonly Follower[];
  /** Runs that a list has shown and a later one of the same gateway has not. */
  readonly vanished: readonly string[];
  /** Begins nothing more; resolves when every key that was sent has its run. */
  settle(): Promise<void>;
  /** Ends it as it is. */
  stop(): Promise<void>;
}

/** No more than these. */
export function quiet(followers: readonly Follower[]): Traffic {
  const stop = async (): Promise<void> => {
    await Promise.all(followers.map((follower) => follower.stop()));
  };
  return { acknowledged: new Map(), followers, vanished: [], settle: async () => {}, stop };
}

const LIST = '{ reportRuns(first: 100) { nodes { id } } }';
/** Between two creates of one API, and two lists, ms: Stripe allows a test account 25 requests a second in all. */
const PAUSE_MS = 300;
const RETRY_MS = 200;

/** `addresses` are asked anew for each operation: gateways come and go. */
export function startTraffic(addresses: () => readonly Address[]): Traffic {
  const acknowledged = new Map<string, Set<string>>();
  const followers: Follower[] = [];
  const vanished: string[] = [];
  const keys = new Set<string>();
  let turn = 0;
  const settling = new AbortController();
  const stopping = new AbortController();

  const next = (): Address | undefined => {
    const all = addresses();
    turn += 1;
    return all[turn % all.length];
  };
  /** Beginning with another one each time. */
  const urls = (from: number) => (): readonly string[] => {
    const all = addresses().map(({ url }) => url);
    return [...all.slice(from % all.length), ...all.slice(0, from % all.length)];
  };

  /** Sends the mutation again until it is answered with its run, as whoever is not told what became of it does. */
  async function run(input: (key: string) => object, key: string): Promise<void> {
    keys.add(key);
    while (!stopping.signal.aborted) {
      const gateway = next();
      const answer = gateway && (await create(gateway, input(key)).catch(() => undefined));
      const id = answer?.data?.createReportRun.reportRun?.id;
      if (id !== undefined) {
        const known = acknowledged.get(key) ?? new Set();
        acknowledged.set(key, known.add(id));
        followers.push(follow(urls(followers.length), id));
        return;
      }
      await sleep(RETRY_MS);
    }
  }

  async function creates(api: string, input: (key: string) => object): Promise<void> {
    for (let count = 0; !settling.signal.aborted; count += 1) {
      await run(input, `${api} ${count}`);
      await sleep(PAUSE_MS);
    }
  }

  async function lists(): Promise<void> {
    const shown = new Map<Address, ReadonlySet<string>>();
    while (!stopping.signal.aborted) {
      const gateway = next();
      const answer = await gateway
        ?.query<{ reportRuns: { nodes: { id: string }[] } }>(LIST)
        .catch(() => undefined);
      if (gateway !== undefined && answer?.data && answer.errors === undefined) {
        const ids = new Set(answer.data.reportRuns.nodes.map(({ id }) => id));
        for (const id of shown.get(gateway) ?? []) if (!ids.has(id)) vanished.push(id);
        shown.set(gateway, ids);
      }
      await sleep(PAUSE_MS);
    }
  }

  const creating = Promise.all([creates('v1', v1Input), creates('v2', v2Input)]);
  const listing = lists();
  return {
    acknowledged,
    followers,
    vanished,
    async settle() {
      settling.abort();
      await creating;
    },
    async stop() {
      settling.abort();
      stopping.abort();
      await Promise.all([creating, listing, ...followers.map((follower) => follower.stop())]);
    },
  };
}
