import { expect } from 'vitest';
import { upstreamRuns } from '../create/operations.js';
import type { TestSandbox } from '../support/sandbox.js';
import { until } from '../support/until.js';
import { flawOf } from './follower.js';
import type { Address, Traffic } from './traffic.js';

/** How long, ms, everything may take to come to its end when the fault is over. */
const END_MS = 25_000;

interface Case {
  readonly sandbox: TestSandbox;
  readonly account: string;
  /** Those that are left; each must say the same. */
  readonly gateways: readonly Address[];
  readonly traffic: Traffic;
  /** Runs that were made past the gateways. */
  readonly foreign?: readonly string[];
}

interface Shown {
  readonly reportRuns: {
    readonly nodes: readonly { readonly id: string; readonly status: string }[];
    readonly pageInfo: { readonly endCursor: string | null; readonly hasNextPage: boolean };
  };
}

const PAGE = `query ($after: String) { reportRuns(first: 40, after: $after) {
  nodes { id status } pageInfo { endCursor hasNextPage } } }`;

/** The whole list of a gateway, sorted. */
async function wholeList(gateway: Pick<Address, 'query'>): Promise<string[]> {
  const lines: string[] = [];
  let page: Shown['reportRuns'] | undefined;
  do {
    const variables: Record<string, unknown> = { after: page?.pageInfo.endCursor ?? null };
    const { data, errors } = await gateway.query<Shown>(PAGE, variables);
    expect(errors).toBeUndefined();
    page = data?.reportRuns;
    lines.push(...(page?.nodes ?? []).map(({ id, status }) => `${id} ${status}`));
  } while (page?.pageInfo.hasNextPage);
  return lines.sort();
}

/**
 * What has to be so after any fault: as many runs upstream as in each gateway's list, in the same state; for each key one run, which
 * is upstream under a key that no other has; and each subscriber was told all, once and in order. Gives how many runs there are.
 */
export async function verdict({ sandbox, account, gateways, traffic, foreign = [] }: Case): Promise<number> {
  await traffic.settle();
  await until(() => traffic.followers.every((follower) => follower.hasEnd()), END_MS).catch(() => {});
  const upstream = await upstreamRuns(sandbox, account);
  const ends = new Map(upstream.map(({ id, status }) => [id, status.toUpperCase()]));
  const truth = upstream.map(({ id, status }) => `${id} ${status.toUpperCase()}`).sort();
  for (const gateway of gateways) {
    let shown: string[] = [];
    const isSame = async (): Promise<boolean> => {
      shown = await wholeList(gateway);
      return shown.join() === truth.join();
    };
    await until(isSame, END_MS).catch(() => expect(shown).toEqual(truth));
  }
  const given = [...traffic.acknowledged].map(([key, ids]) => [key, [...ids]] as const);
  expect(given.filter(([, ids]) => ids.length !== 1)).toEqual([]);
  expect([...given.flatMap(([, ids]) => ids), ...foreign].sort()).toEqual(
    upstream.map(({ id }) => id).sort(),
  );
  const upstreamKeys = upstream.flatMap(({ idempotencyKey }) => idempotencyKey ?? []);
  expect(new Set(upstreamKeys).size).toBe(given.length);
  expect(traffic.vanished).toEqual([]);
  const flaws = traffic.followers.flatMap((follower) => flawOf(follower, ends.get(follower.id) ?? '') ?? []);
  expect(flaws).toEqual([]);
  await traffic.stop();
  return upstream.length;
}
