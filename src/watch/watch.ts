import type { Logger } from 'pino';
import type { StripeV1 } from '../datasources/stripe-v1.js';
import type { StripeV2 } from '../datasources/stripe-v2.js';
import type { Ledger } from '../ledger/ledger.js';
import { runsTopic } from '../ledger/observe.js';
import { feedTopic, goneTopic, leftTopic } from '../ledger/topics.js';
import type { StripeApi } from '../models/report-run.js';
import type { RunFilter } from '../models/run-page.js';
import { Backfill } from './backfill.js';
import type { Clock } from './clock.js';
import { CreateRun } from './create-run.js';
import { Deliveries } from './deliveries.js';
import { Feed, type FeedTick } from './feed.js';
import { FeedV1 } from './feed-v1.js';
import { FeedV2 } from './feed-v2.js';
import { CLOSING, follow } from './follow.js';
import { followRuns } from './follow-runs.js';
import { FollowedReads } from './followed-reads.js';
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
import { SpareTime } from './spare-time.js';
import { StretchV1 } from './stretch-v1.js';
import { UpstreamStates } from './upstream-states.js';
import { Wakes } from './wakes.js';
import { WatchedFilters } from './watched-filters.js';

export interface WatchOptions {
  readonly account: string;
  readonly ledger: Ledger;
  /** Calls back for each topic that the ledger notifies; gives the function that ends it. */
  readonly onNotify: (listener: (topic: string) => void) => () => void;
  /** Calls back when such notices of other processes may have been missed; gives the function that ends it. */
  readonly onGap: (listener: () => void) => () => void;
  /** Whether other processes may use the ledger at the same time. */
  readonly isShared: boolean;
  readonly v1: StripeV1;
  readonly v2: StripeV2;
  readonly log: Logger;
  readonly clock: Clock;
  /** 0 up to but not including 1; spreads what is repeated. */
  readonly random: () => number;
  /** Whether Stripe tells this gateway of ends by webhooks: then it looks less often itself. */
  readonly webhooks: boolean;
}

/** One account's runs, followed. */
export interface Watch {
  readonly reader: RunReader;
  readonly pages: RunPages;
  readonly creates: CreateRun;
  readonly deliveries: Deliveries;
  readonly outlooks: Outlooks;
  readonly states: UpstreamStates;
  readonly feeds: Readonly<Record<StripeApi, Feed>>;
  readonly followers: Followers;
  follow(id: string): ReturnType<typeof follow>;
  /** `since` is unix ms. */
  followRuns(filter: RunFilter, since: number | null): ReturnType<typeof followRuns>;
  /** Takes up what an earlier process left, and begins to look for runs. */
  start(): void;
  /** Completes every subscription and ends all polling. A tick that hangs is left to another instance. */
  close(): Promise<void>;
}

/** Puts the parts together; nothing is asked of Stripe before `start`. */
export function createWatch(options: WatchOptions): Watch {
  const { account, ledger, v1, v2, log, clock, random, webhooks } = options;
  const { runs, schedule } = ledger;
  const wakes = new Wakes();
  const states = new UpstreamStates();
  const sightings = new Sightings({ log });
  const poke = (api: StripeApi): void => void feeds[api].poke();
  const followers = new Followers({ runs, log, clock, onWatched: poke });
  const spare = new SpareTime(clock);
  const running = new RunningRuns({ runs, spare, clock, random, webhooks });
  const shared = { ledger, sightings, states, clock };
  const stretch = new StretchV1({ v1, ...shared });
  const backfill = new Backfill({ ledger, stretch, spare, log, clock, random });
  const feedV2 = new FeedV2({ v2, ...shared, running, spare, log });
  const newFeed = (api: StripeApi, work: FeedTick): Feed => {
    const feed = new Feed({ api, work, schedule, states, log, clock, random });
    wakes.on(feedTopic(account, api), () => void feed.look());
    return feed;
  };
  const feeds: Readonly<Record<StripeApi, Feed>> = {
    V1: newFeed('V1', new FeedV1({ v1, ...shared, stretch, backfill, running, spare })),
    V2: newFeed('V2', feedV2),
  };
  const reader = new RunReader({ v1, v2, ...shared, feeds });
  const pages = new RunPages({
    v1,
    ...shared,
    stretch,
    feeds,
    feedV2,
    reader,
    readHead: () => feeds.V1.ask({ news: true }),
  });
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
    onCreated: poke,
    onPostponed,
  });
  const creates = new CreateRun({ ledger, reader, finisher, log, onPostponed });
  const loop = new IntentLoop({ ledger, finisher, log, clock, isShared: options.isShared });
  const reads = new FollowedReads(ledger);
  const runLog = new RunLog({ account, ledger, wakes, clock });
  const askForNews = (api: StripeApi): Promise<void> => feeds[api].ask({ news: true });
  const news = new NewsWatch({ ledger, clock, webhooks, askForNews });
  const watched = new WatchedFilters({ account, ledger, runLog, followers, news, wakes, clock });
  let closing = false;
  const isClosing = (): boolean => closing;
  wakes.on(runsTopic(account), () => void slots.look());
  const left = leftTopic(account, '');
  const stops = [
    options.onNotify((topic) =>
      topic.startsWith(left) ? followers.left(topic.slice(left.length)) : wakes.wake(topic),
    ),
    options.onGap(() =>
      wakes.wakeAll((topic) => topic !== CLOSING && !topic.startsWith(goneTopic(account, ''))),
    ),
  ];

  return {
    reader,
    pages,
    creates,
    deliveries: new Deliveries({ account, ledger, feeds, log }),
    outlooks: new Outlooks({ ledger, clock }),
    states,
    follow: (id) => follow({ account, reads, reader, followers, wakes, isClosing }, id),
    followRuns: (filter, since) => followRuns({ runLog, watched, wakes, clock, isClosing }, filter, since),
    feeds,
    followers,
    start() {
      loop.start();
      const began = (['V1', 'V2'] as const).map((api) => feeds[api].want({ news: true }));
      Promise.all(began).catch((error: unknown) =>
        log.error({ err: error }, 'new runs could not be asked for'),
      );
    },
    async close() {
      closing = true;
      wakes.wake(CLOSING);
      slots.close();
      await Promise.all([loop.close(), feeds.V1.close(), feeds.V2.close()]);
      await followers.close();
      for (const stop of stops) stop();
    },
  };
}
