import type { Logger } from 'pino';
import type { StripeV1 } from '../datasources/stripe-v1.js';
import type { StripeV2 } from '../datasources/stripe-v2.js';
import type { Ledger } from '../ledger/ledger.js';
import { runsTopic } from '../ledger/observe.js';
import type { StripeApi } from '../models/report-run.js';
import type { RunFilter } from '../models/run-page.js';
import { Backfill } from './backfill.js';
import type { Clock } from './clock.js';
import { CreateRun } from './create-run.js';
import { Deliveries } from './deliveries.js';
import { Feed, type FeedTick } from './feed.js';
import { FeedV1 } from './feed-v1.js';
import { FeedV2 } from './feed-v2.js';
import { CLOSING, follow, goneTopic } from './follow.js';
import { followRuns } from './follow-runs.js';
import { Followers } from './followers.js';
import { IntentFinisher } from './intent-finisher.js';
import { IntentLoop } from './intent-loop.js';
import { NewsWatch } from './news-watch.js';
import { Outlooks } from './outlooks.js';
import { RunPages } from './run-pages.js';
import { RunLog } from './run-log.js';
import { RunReader } from './run-reader.js';
import { RunningRuns } from './running-runs.js';
import { Sightings } from './sightings.js';
import { Slots } from './slots.js';
import { StretchV1 } from './stretch-v1.js';
import { UpstreamStates } from './upstream-states.js';
import { Wakes } from './wakes.js';
import { WatchedFilters } from './watched-filters.js';

export interface WatchOptions {
  readonly account: string;
  readonly ledger: Ledger;
  /** Calls back for each topic that the ledger notifies; gives the function that ends it. */
  readonly onNotify: (listener: (topic: string) => void) => () => void;
  /** Whether other processes may use the ledger at the same time. */
  readonly isShared: boolean;
  readonly v1: StripeV1;
  readonly v2: StripeV2;
  readonly log: Logger;
  readonly clock: Clock;
  /** 0 up to but not including 1; spreads what is repeated. */
  readonly random: () => number;
}

/** One account's runs, followed. */
export interface Watch {
  readonly reader: RunReader;
  readonly pages: RunPages;
  readonly creates: CreateRun;
  readonly deliveries: Deliveries;
  readonly outlooks: Outlooks;
  readonly states: UpstreamStates;
  follow(id: string): ReturnType<typeof follow>;
  /** `since` is unix ms. */
  followRuns(filter: RunFilter, since: number | null): ReturnType<typeof followRuns>;
  /** Takes up what an earlier process left, and begins to look for runs. */
  start(): void;
  /** Completes every subscription and ends all polling; requests under way are waited for. */
  close(): Promise<void>;
}

/** Puts the parts together; nothing is asked of Stripe before `start`. */
export function createWatch(options: WatchOptions): Watch {
  const { account, ledger, v1, v2, log, clock, random } = options;
  const wakes = new Wakes();
  const states = new UpstreamStates();
  const sightings = new Sightings({ log, clock });
  const followers = new Followers((api) => feeds[api].poke());
  const onGone = (id: string): void => wakes.wake(goneTopic(account, id));
  const running = new RunningRuns({ ledger, followers, sightings, clock, random, onGone });
  const shared = { ledger, sightings, states, clock };
  const stretch = new StretchV1({ v1, ...shared });
  const feedV2 = new FeedV2({ v2, ...shared, running });
  const newFeed = (work: FeedTick): Feed => new Feed(work, { log, clock, random });
  const feeds: Readonly<Record<StripeApi, Feed>> = {
    V1: newFeed(new FeedV1({ v1, ...shared, stretch, running })),
    V2: newFeed(feedV2),
  };
  const reader = new RunReader({ v1, v2, ...shared, feeds });
  const pages = new RunPages({ v1, ...shared, stretch, feeds, feedV2, reader });
  const onCreated = (api: StripeApi): void => feeds[api].poke();
  const onPostponed = (): void => loop.poke();
  const upstream = { v1, v2, reader, sightings };
  const slots = new Slots({ ledger, followers, clock });
  const finisher = new IntentFinisher({
    ...upstream,
    slots,
    ledger,
    log,
    clock,
    random,
    onCreated,
    onPostponed,
  });
  const creates = new CreateRun({ ledger, reader, finisher, log, onPostponed });
  const loop = new IntentLoop({ ledger, finisher, log, clock, isShared: options.isShared });
  const backfill = new Backfill({ ledger, stretch, log, clock, random });
  const runLog = new RunLog({ account, ledger, wakes, clock });
  const news = new NewsWatch({ ledger, clock, askForNews: (api) => void feeds[api].ask({ news: true }) });
  const watched = new WatchedFilters({ account, ledger, runLog, followers, news, wakes, clock });
  let closing = false;
  const isClosing = (): boolean => closing;
  wakes.on(runsTopic(account), () => void slots.look());
  const stopListening = options.onNotify((topic) => wakes.wake(topic));

  return {
    reader,
    pages,
    creates,
    deliveries: new Deliveries({ account, ledger, feeds, log }),
    outlooks: new Outlooks({ ledger, clock }),
    states,
    follow: (id) => follow({ account, ledger, reader, followers, wakes, isClosing }, id),
    followRuns: (filter, since) => followRuns({ runLog, watched, wakes, clock, isClosing }, filter, since),
    start() {
      loop.start();
      void feeds.V2.ask({ news: true });
      void feeds.V1.ask({ news: true }).then(() => backfill.start());
    },
    async close() {
      closing = true;
      wakes.wake(CLOSING);
      slots.close();
      await Promise.all([
        loop.close(),
        backfill.close(),
        feeds.V1.close(),
        feeds.V2.close(),
        stretch.close(),
      ]);
      stopListening();
    },
  };
}
