import type { RunList, StripeV1 } from '../datasources/stripe-v1.js';
import type { Feed as FeedMarks } from '../ledger/feeds.js';
import type { Ledger } from '../ledger/ledger.js';
import { UpstreamError } from '../models/errors.js';
import type { RunPosition } from '../models/run-page.js';
import type { FeedTick, Wanted } from './feed.js';
import { LIST_LAG_MS } from './pace.js';
import type { RunningRuns } from './running-runs.js';
import type { Sightings } from './sightings.js';
import type { UpstreamStates } from './upstream-states.js';

/** The most a list page can hold (Stripe docs, pagination). */
const PAGE = 100;

export interface FeedV1Options {
  readonly v1: StripeV1;
  readonly ledger: Ledger;
  readonly sightings: Sightings;
  readonly running: RunningRuns;
  readonly states: UpstreamStates;
  readonly now: () => number;
}

/**
 * v1 is followed by its list: one page shows the state of 100 neighbours. The feed's marks, `newest` down to `horizon`, bound the
 * stretch of history without a gap; only pages of the list move them, in the transaction that writes the page's runs.
 */
export class FeedV1 implements FeedTick {
  readonly #options: FeedV1Options;
  #extending: Promise<void> | null = null;

  constructor(options: FeedV1Options) {
    this.#options = options;
  }

  async tick(wanted: Wanted): Promise<void> {
    const { running, sightings, states, now } = this.#options;
    const began = now();
    try {
      if (wanted.news) await this.#readHead();
      const due = await running.due('V1', wanted.ids);
      await this.#cover(due.filter(({ id }) => sightings.lastSeen(id) < began));
      states.answered('V1', wanted.news ? began : null);
    } catch (error) {
      states.failed('V1', error);
      throw error;
    }
  }

  pause(): Promise<number | null> {
    return this.#options.running.pause('V1');
  }

  /** Moves the horizon one page further down. Callers at the same time share the page. */
  extend(): Promise<void> {
    this.#extending ??= this.#extendOnce().finally(() => {
      this.#extending = null;
    });
    return this.#extending;
  }

  async #extendOnce(): Promise<void> {
    const marks = await this.#options.ledger.feeds.get('V1');
    if (marks.complete) return;
    if (marks.horizon === null) return this.#readHead();
    const page = await this.#list({ startingAfter: marks.horizon.id });
    await this.#advance({ ...lowerEnd(page), complete: !page.hasMore }, page);
  }

  /**
   * Reads from the top until a minute below what is known. Not until a known run: our own creates and single look-ups put rows
   * above and below the stretch, so a row says nothing about its neighbours.
   */
  async #readHead(): Promise<void> {
    const marks = await this.#options.ledger.feeds.get('V1');
    let page = await this.#list({});
    const newest = newestOf(page) ?? marks.newest;
    for (;;) {
      const { horizon } = lowerEnd(page);
      const reached =
        marks.newest === null || (horizon !== undefined && horizon.createdAt < marks.newest - LIST_LAG_MS);
      if (reached || !page.hasMore) {
        await this.#advance({ newest, refreshed: page.askedAt, ...deeper(marks, page) }, page);
        return;
      }
      await this.#advance({}, page);
      page = await this.#list({ startingAfter: lastId(page) });
    }
  }

  /**
   * Refreshes running runs with as few pages as their places allow: a page starts right above the newest run that is still to
   * be seen, jumping over what lies between. A single run left over is asked for by its id.
   */
  async #cover(runs: readonly { id: string; createdAt: number }[]): Promise<void> {
    const { ledger, sightings, now } = this.#options;
    const began = now();
    let left = runs;
    while (left.length > 1) {
      const [first] = left;
      if (first === undefined) break;
      const isNearTop =
        (await ledger.runs.count({ api: 'V1', createdFrom: first.createdAt + 1 }, PAGE)) < PAGE / 2;
      const above = isNearTop ? null : await ledger.runs.neighbourAbove('V1', first.createdAt);
      await this.#advance({}, await this.#list(above === null ? {} : { startingAfter: above }));
      const still = new Set(
        (await ledger.runs.running('V1', { ids: left.map(({ id }) => id) })).map(({ id }) => id),
      );
      const unseen = left.filter(({ id }) => still.has(id) && sightings.lastSeen(id) < began);
      if (unseen.some(({ id }) => id === first.id)) await this.#retrieve(first.id);
      left = unseen.filter(({ id }) => id !== first.id);
    }
    for (const { id } of left) await this.#retrieve(id);
  }

  async #retrieve(id: string): Promise<void> {
    const { v1, ledger, sightings, now } = this.#options;
    const askedAt = now();
    try {
      const items = [await v1.retrieveRun(id)];
      sightings.saw({ items, askedAt, requestId: null }, await ledger.runs.observe(items));
    } catch (error) {
      if (!(error instanceof UpstreamError) || error.kind !== 'not_found') throw error;
      this.#options.running.missing(id);
    }
  }

  async #list(request: { startingAfter?: string }): Promise<RunList & { readonly askedAt: number }> {
    const askedAt = this.#options.now();
    return { ...(await this.#options.v1.listRuns({ limit: PAGE, ...request })), askedAt };
  }

  async #advance(marks: Partial<FeedMarks>, page: RunList & { readonly askedAt: number }): Promise<void> {
    const report = await this.#options.ledger.feeds.advance('V1', marks, { items: page.items });
    this.#options.sightings.saw(page, report);
  }
}

/** The horizon at a page's end; none where the page has no run to say it. */
function lowerEnd(page: RunList): { readonly horizon?: RunPosition } {
  const last = page.items.findLast((item) => createdAt(item) !== null);
  const at = last === undefined ? null : createdAt(last);
  return at === null ? {} : { horizon: { createdAt: at, id: lastId(page) } };
}

/** The lower marks after an unbroken read from the top down to the end of `page`. */
function deeper(marks: FeedMarks, page: RunList): Partial<FeedMarks> {
  if (marks.complete) return {};
  if (!page.hasMore) return { ...lowerEnd(page), complete: true };
  const { horizon } = lowerEnd(page);
  const isDeeper =
    marks.horizon === null || (horizon !== undefined && horizon.createdAt < marks.horizon.createdAt);
  return isDeeper && horizon !== undefined ? { horizon } : {};
}

function newestOf(page: RunList): number | null {
  const times = page.items.map(createdAt).filter((time) => time !== null);
  return times.length === 0 ? null : Math.max(...times);
}

/** Where the next page starts. A page that has more, but nothing to start from, would be read for ever. */
function lastId(page: RunList): string {
  const last = page.items.at(-1);
  if (last !== undefined) return 'unreadable' in last ? last.id : last.run.id;
  throw new UpstreamError(
    'contract',
    'Stripe answered a list page that has more runs after it but none in it',
    {
      requestId: page.requestId,
    },
  );
}

function createdAt(item: RunList['items'][number]): number | null {
  return 'unreadable' in item ? item.createdAt : item.run.createdAt;
}
