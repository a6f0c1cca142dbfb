import type { TestGateway } from '../support/gateway.js';
import { type Connection, type Node, type Paging, page } from './support.js';

export interface Walk {
  readonly nodes: readonly Node[];
  readonly pages: readonly Connection[];
}

interface WalkOptions {
  readonly filter?: NonNullable<Paging['filter']>;
  readonly from?: string | null;
  /** Runs between two pages. */
  readonly between?: (page: number) => Promise<unknown>;
}

/** Never ends by itself where pages do not get further; no test needs so many. */
const MANY = 1_000;

/** From the newest run down, with page sizes taken in turn. A page may be empty where the history is still being read. */
export async function walkForward(
  gateway: TestGateway,
  sizes: readonly number[],
  { filter, from = null, between }: WalkOptions = {},
): Promise<Walk> {
  const pages: Connection[] = [];
  for (let after = from; pages.length < MANY; ) {
    const first = sizes[pages.length % sizes.length] ?? 20;
    const next = await page(gateway, { first, after, ...(filter ? { filter } : {}) });
    pages.push(next);
    if (!next.pageInfo.hasNextPage)
      return { pages, nodes: pages.flatMap(({ edges }) => edges.map(({ node }) => node)) };
    after = next.pageInfo.endCursor;
    await between?.(pages.length);
  }
  throw new Error(`the walk has not ended after ${MANY} pages`);
}

/** From a cursor, or from the oldest run, up. The nodes are newest first all the same. */
export async function walkBackward(
  gateway: TestGateway,
  sizes: readonly number[],
  { filter, from = null }: WalkOptions = {},
): Promise<Walk> {
  const pages: Connection[] = [];
  for (let before = from; pages.length < MANY; ) {
    const last = sizes[pages.length % sizes.length] ?? 20;
    const next = await page(gateway, { last, before, ...(filter ? { filter } : {}) });
    pages.push(next);
    if (!next.pageInfo.hasPreviousPage)
      return { pages, nodes: pages.toReversed().flatMap(({ edges }) => edges.map(({ node }) => node)) };
    before = next.pageInfo.startCursor;
  }
  throw new Error(`the walk has not ended after ${MANY} pages`);
}
