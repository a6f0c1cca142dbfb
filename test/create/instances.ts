import { setTimeout as sleep } from 'node:timers/promises';
import { pino } from 'pino';
import { inject } from 'vitest';
import { DECODER_VERSION, decodeRun } from '../../src/datasources/decode-run.js';
import { createStripeV1, type StripeV1 } from '../../src/datasources/stripe-v1.js';
import { createStripeV2, type StripeV2 } from '../../src/datasources/stripe-v2.js';
import { createTransport, type Transport } from '../../src/datasources/transport.js';
import type { Engine } from '../../src/ledger/engine.js';
import { openLedger, type Ledger } from '../../src/ledger/ledger.js';
import { openEngine } from '../../src/ledger/open-engine.js';
import type { CreateReportRunRequest } from '../../src/models/create-report-run.js';
import { GatewayError } from '../../src/models/errors.js';
import type { Clock } from '../../src/watch/clock.js';
import { CreateRun } from '../../src/watch/create-run.js';
import { IntentFinisher } from '../../src/watch/intent-finisher.js';
import { IntentLoop } from '../../src/watch/intent-loop.js';
import { createWatch } from '../../src/watch/watch.js';
import { Sightings } from '../../src/watch/sightings.js';
import { Slots } from '../../src/watch/slots.js';
import type { ClockedSandbox, Result } from './creates.js';
import { upstreamIds } from './operations.js';

interface Timer {
  readonly at: number;
  readonly work: () => void;
}

/** What happens to creates in one process of several that share a ledger. */
interface Instance {
  readonly ledger: Ledger;
  create(request: CreateReportRunRequest, key: string): Promise<Result>;
  /** It writes, asks and answers nothing any more, as after a SIGKILL; what Stripe was asked has its effect. */
  kill(): void;
  isIdle(): boolean;
  close(): Promise<void>;
}

/** Several instances on one ledger and one clock, which only `advance` moves. */
export interface Instances {
  readonly ledger: Ledger;
  create(instance: number, request: CreateReportRunRequest, key: string): Promise<Result>;
  /** Another takes its place. */
  kill(instance: number): Promise<void>;
  /** Waits until nobody is at anything, in steps of time too short to matter. */
  idle(): Promise<void>;
  advance(ms: number): Promise<void>;
  upstreamIds(): Promise<string[]>;
  close(): Promise<void>;
}

/** `database` is a DATABASE_URL, `createMs` the deadline of a POST. */
export async function openInstances(
  sandbox: ClockedSandbox,
  name: string,
  count: number,
  database: string,
  createMs: number,
): Promise<Instances> {
  const time = sandbox.clock;
  const timers = new Set<Timer>();
  // SQLite has one process: there, the instances share its connection and are told that they share the ledger.
  const common = inject('engine') === 'sqlite' ? await openEngine(database) : null;
  const all: Instance[] = [];
  const live: Instance[] = [];

  function fireDue(): void {
    for (const timer of [...timers].sort((a, b) => a.at - b.at)) {
      if (timer.at > time.now || !timers.delete(timer)) continue;
      timer.work();
    }
  }

  function clockOf(life: Life): Clock {
    const after: Clock['after'] = (ms, work) => {
      const timer = { at: time.now + ms, work: () => life.isDead || work() };
      timers.add(timer);
      return () => timers.delete(timer);
    };
    return {
      now: () => time.now,
      after,
      wait: (ms) => new Promise((resolve) => after(ms, () => resolve(null))),
    };
  }

  async function start(): Promise<Instance> {
    const life: Life = { isDead: false };
    const engine = mortal({ ...(common ?? (await openEngine(database))), isShared: true }, life);
    const instance = await openInstance(sandbox, { name, createMs }, engine, clockOf(life), life);
    const closing = {
      ...instance,
      close: () => instance.close().then(() => (common ? undefined : engine.close())),
    };
    all.push(closing);
    return closing;
  }

  for (let index = 0; index < count; index += 1) live.push(await start());
  const liveAt = (index: number): Instance => {
    const instance = live[index];
    if (instance === undefined) throw new Error(`there is no instance ${index}`);
    return instance;
  };
  const idle = async (): Promise<void> => {
    for (let quiet = 0; quiet < 3; ) {
      await sleep(1);
      quiet = all.every((instance) => instance.isIdle()) ? quiet + 1 : 0;
      if (quiet === 0) time.now += 50;
      fireDue();
    }
  };

  return {
    get ledger() {
      return liveAt(0).ledger;
    },
    create: (index, request, key) => liveAt(index).create(request, key),
    async kill(index) {
      liveAt(index).kill();
      live[index] = await start();
    },
    idle,
    async advance(ms) {
      await idle();
      time.now += ms;
      fireDue();
      await idle();
    },
    upstreamIds: () => upstreamIds(sandbox, `acct_${name}`),
    async close() {
      for (const instance of all) instance.kill();
      await Promise.all(all.map((instance) => instance.close()));
      await common?.close();
    },
  };
}

interface Life {
  isDead: boolean;
}

async function openInstance(
  sandbox: ClockedSandbox,
  { name, createMs }: { readonly name: string; readonly createMs: number },
  engine: Engine,
  clock: Clock,
  life: Life,
): Promise<Instance> {
  const account = `acct_${name}:test`;
  const log = pino({ level: 'silent' });
  const transport = createTransport({
    apiKey: `sk_test_${name}`,
    base: new URL(sandbox.origin),
    v2Version: '2026-04-22.dahlia',
    timeouts: { create: createMs },
  });
  const requests = { count: 0 };
  const counted = mortalTransport(transport, life, requests);
  const v1: StripeV1 = createStripeV1(counted);
  const v2: StripeV2 = createStripeV2(counted);
  const now = (): number => clock.now();
  const decoding = { decode: decodeRun, decoderVersion: DECODER_VERSION };
  const ledger = await openLedger({ engine, account, upstream: sandbox.origin, ...decoding, now });
  const random = (): number => 0;
  const { reader, followers } = createWatch({
    account,
    ledger,
    isShared: true,
    v1,
    v2,
    log,
    clock,
    random,
    webhooks: false,
    onNotify: engine.onNotify.bind(engine),
    onGap: engine.onGap.bind(engine),
  });
  const slots = new Slots({ ledger, followers, clock });
  const sightings = new Sightings({ log });
  const onPostponed = (): void => loop.poke();
  const working = { count: 0 };
  const finisher = new IntentFinisher({
    v1,
    v2,
    ledger,
    reader,
    sightings,
    slots,
    log,
    clock,
    random,
    onPostponed,
    onCreated: () => {},
  });
  const busy = <Answer>(work: Promise<Answer>): Promise<Answer> => {
    working.count += 1;
    return work.finally(() => {
      working.count -= 1;
    });
  };
  const watched = Object.assign(Object.create(finisher) as IntentFinisher, {
    finish: (intent: Parameters<IntentFinisher['finish']>[0]) => busy(finisher.finish(intent)),
  });
  const creates = new CreateRun({ ledger, reader, finisher, log, onPostponed });
  const loop = new IntentLoop({ ledger, finisher: watched, log, clock, isShared: true });
  loop.start();

  return {
    ledger,
    create: (request, key) =>
      busy(
        creates.create(request, key).then(
          ({ reportRun, userErrors }): Result => reportRun?.id ?? userErrors.map(({ message }) => message),
          (error: unknown): Result => {
            if (error instanceof GatewayError) return error;
            throw error;
          },
        ),
      ),
    kill() {
      life.isDead = true;
    },
    isIdle: () => requests.count === 0 && (life.isDead || working.count === 0),
    close: () => transport.close(),
  };
}

const never = new Promise<never>(() => {});

/** Nothing comes back to a dead process. */
function unlessDead<Answer>(life: Life, work: Promise<Answer>): Promise<Answer> {
  return work.then(
    (answer) => (life.isDead ? never : answer),
    (error: unknown) => {
      if (life.isDead) return never;
      throw error;
    },
  );
}

/** A transaction of a process that dies in it is rolled back. */
function mortal(engine: Engine, life: Life): Engine {
  const guarded = <Answer>(work: () => Promise<Answer>): Promise<Answer> =>
    life.isDead ? never : unlessDead(life, work());
  return {
    ...engine,
    query: (sql, params) => guarded(() => engine.query(sql, params)),
    snapshot: (work) => guarded(() => engine.snapshot(work)),
    tx: (work, options) =>
      guarded(() =>
        engine.tx(async (tx) => {
          const answer = await work(tx);
          if (life.isDead) throw new Error('The process was killed.');
          return answer;
        }, options),
      ),
  };
}

/** What was sent is carried out, whoever dies meanwhile. */
function mortalTransport(transport: Transport, life: Life, requests: { count: number }): Transport {
  const sent = <Answer>(send: () => Promise<Answer>): Promise<Answer> => {
    if (life.isDead) return never;
    requests.count += 1;
    const answer = send().finally(() => {
      requests.count -= 1;
    });
    return unlessDead(life, answer);
  };
  return {
    ...transport,
    get: (path) => sent(() => transport.get(path)),
    post: (path, params, key) => sent(() => transport.post(path, params, key)),
    as: (priority) => mortalTransport(transport.as(priority), life, requests),
  };
}
