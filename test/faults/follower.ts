import { setTimeout as sleep } from 'node:timers/promises';
import { createClient } from 'graphql-ws';
import { WebSocket } from 'ws';

/** What a subscriber was told between two losses of its connection. */
type Stay = string[];

/** Somebody who follows a run as a client does: whatever ends the subscription, it subscribes anew, to the next address. */
export interface Follower {
  readonly id: string;
  readonly stays: readonly Stay[];
  /** Whether it was told the end of the run. */
  hasEnd(): boolean;
  stop(): Promise<void>;
}

const UPDATED = 'subscription ($id: ID!) { reportRunUpdated(id: $id) { status } }';
const ENDS = ['SUCCEEDED', 'FAILED'];
const RETRY_MS = 100;

/** `addresses` are asked anew for each connection: gateways come and go. The first one is tried first. */
export function follow(addresses: () => readonly string[], id: string): Follower {
  const stays: Stay[] = [];
  const stopping = new AbortController();
  const { signal } = stopping;
  let end = (): void => {};

  const hasEnd = (): boolean => ENDS.includes(stays.at(-1)?.at(-1) ?? '');

  async function stay(url: string): Promise<void> {
    const told: Stay = [];
    stays.push(told);
    const client = createClient({
      url: url.replace('http', 'ws'),
      webSocketImpl: WebSocket,
      retryAttempts: 0,
      onNonLazyError: () => undefined,
    });
    await new Promise<void>((resolve) => {
      end = resolve;
      client.subscribe<{ reportRunUpdated: { status: string } | null }>(
        { query: UPDATED, variables: { id } },
        {
          next: ({ data }) => {
            if (data?.reportRunUpdated) told.push(data.reportRunUpdated.status);
          },
          error: () => resolve(),
          complete: () => resolve(),
        },
      );
    });
    await client.dispose();
  }

  async function live(): Promise<void> {
    for (let turn = 0; !signal.aborted && !hasEnd(); turn += 1) {
      const urls = addresses();
      const url = urls[turn % urls.length];
      if (url !== undefined) await stay(url);
      if (!signal.aborted && !hasEnd()) await sleep(RETRY_MS);
    }
  }

  const living = live();
  return {
    id,
    stays,
    hasEnd,
    async stop() {
      stopping.abort();
      end();
      await living;
    },
  };
}

/** What is wrong with what a follower was told of a run that has ended so: each stay must be the whole story from where it began. */
export function flawOf({ id, stays }: Follower, ended: string): string | null {
  const stories = stays.map((told) => told.join(' '));
  const last = stories.at(-1);
  const isWhole = last === ended || last === `RUNNING ${ended}`;
  // A connection can be lost before anything is told.
  const isInOrder = stories.slice(0, -1).every((story) => story === '' || story === 'RUNNING');
  return isWhole && isInOrder ? null : `${id}, which ${ended}: ${JSON.stringify(stays)}`;
}
