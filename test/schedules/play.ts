import { type Account, openAccount } from '../../src/simulation/account.js';
import { findRun } from '../../src/sandbox/world.js';
import type { CreateReportRunRequest } from '../../src/models/create-report-run.js';
import { GatewayError } from '../../src/models/errors.js';
import type { ReportRunStatus, StripeApi } from '../../src/models/report-run.js';
import { mortal, type MortalEngine } from './mortal.js';
import { numberOf, requestFor } from './requests.js';
import type { FaultKind, Step } from './schedule.js';
import type { Stage } from './stage.js';

const INSTANCES = 2;
/** Long enough for the slowest repetition: a spent key waits a minute, and pauses grow to one. */
const AFTERMATH_MS = 240_000;
/** Long enough for whoever follows a run to be told of its end. */
const END_MS = 30_000;
const EVERYTHING = { filter: {}, direction: 'forward', limit: 100, after: null, before: null } as const;

interface Instance extends Account {
  readonly database: MortalEngine;
}

export interface Subscriber {
  readonly instance: Instance;
  readonly run: string;
  readonly seen: ReportRunStatus[];
  /** 'ended', or why it was refused or broke off. */
  outcome: string | null;
}

export interface UpstreamRun {
  readonly id: string;
  readonly status: string;
  /** The caller's key that it was started under; null where there was none, or somebody else started it. */
  readonly key: string | null;
  readonly upstreamKey: string | null;
}

export interface Aftermath {
  readonly upstream: readonly UpstreamRun[];
  readonly ledger: ReadonlyMap<string, ReportRunStatus | null>;
  /** What creates were answered with: the run's id by the caller's key. */
  readonly acknowledged: ReadonlyMap<string, ReadonlySet<string>>;
  /** Keys whose create has not come to an end. */
  readonly open: readonly string[];
  /** How many creates came without a key. */
  readonly keyless: number;
  readonly subscribers: readonly Subscriber[];
  readonly transitions: ReadonlyMap<string, readonly ReportRunStatus[]>;
}

/** Plays a schedule among two instances on a fresh account, lets everything come to rest and says how it stands. */
export async function play(stage: Stage, steps: readonly Step[], random: () => number): Promise<Aftermath> {
  stage.accounts += 1;
  const player = new Player(stage, `s${stage.accounts}`, random);
  await player.begin();
  for (const step of steps) {
    await stage.clock.pass(step.after);
    await player.perform(step);
  }
  return player.end();
}

class Player {
  readonly #stage: Stage;
  readonly #name: string;
  readonly #random: () => number;
  readonly #instances: Instance[] = [];
  readonly #subscribers: Subscriber[] = [];
  readonly #acknowledged = new Map<string, Set<string>>();
  readonly #keys = new Map<string, CreateReportRunRequest>();
  #keyless = 0;

  constructor(stage: Stage, name: string, random: () => number) {
    this.#stage = stage;
    this.#name = name;
    this.#random = random;
  }

  async begin(): Promise<void> {
    for (let index = 0; index < INSTANCES; index += 1) this.#instances.push(await this.#open());
  }

  async perform(step: Step): Promise<void> {
    const { upstream } = this.#stage;
    switch (step.kind) {
      case 'create':
        void this.#create(this.#at(step.instance), step.api, step.key);
        return;
      case 'foreign': {
        const status = step.api === 'V1' ? 'pending' : 'running';
        upstream.control('POST', 'runs', {
          api: step.api,
          count: 1,
          account: `acct_${this.#name}`,
          status,
        });
        return;
      }
      case 'end': {
        const run = await this.#run(step.run);
        if (run?.status === 'running')
          upstream.control('POST', `runs/${run.id}/finish`, { outcome: step.outcome });
        return;
      }
      case 'subscribe': {
        const run = await this.#run(step.run);
        if (run !== null) void this.#subscribe(this.#at(step.instance), run.id);
        return;
      }
      case 'read': {
        const run = await this.#run(step.run);
        if (run !== null) void this.#at(step.instance).watch.reader.read([run.id]);
        return;
      }
      case 'list': {
        this.#at(step.instance)
          .watch.pages.page(EVERYTHING)
          .catch(() => undefined);
        return;
      }
      case 'webhook': {
        const run = await this.#run(step.run);
        if (run === null) return;
        for (let time = 0; time < step.times; time += 1) void this.#deliver(this.#at(step.instance), run.id);
        return;
      }
      case 'fault':
        return this.#fault(step.fault, step.method, step.times);
      case 'kill': {
        const index = step.instance % INSTANCES;
        this.#at(index).database.kill();
        this.#instances[index] = await this.#open();
        return;
      }
      default:
        return step satisfies never;
    }
  }

  async end(): Promise<Aftermath> {
    const { upstream, losses, clock } = this.#stage;
    losses.length = 0;
    upstream.control('DELETE', 'faults');
    await clock.pass(AFTERMATH_MS);
    // Whatever still runs is ended, and then told of to everybody.
    for (const run of await this.#runs()) {
      if (run.status === 'running')
        upstream.control('POST', `runs/${run.id}/finish`, { outcome: 'succeeded' });
    }
    const instance = this.#at(0);
    const { ledger, watch } = instance;
    // Somebody looks at the list, twice: what is new, then what has become of it.
    void watch.pages.page(EVERYTHING);
    await clock.pass(END_MS);
    void watch.pages.page(EVERYTHING);
    await clock.pass(END_MS);
    const runs = await this.#runs();
    const ids = runs.map(({ id }) => id);
    const kept = await ledger.runs.get(ids);
    const transitions = new Map<string, readonly ReportRunStatus[]>();
    for (const id of ids)
      transitions.set(
        id,
        (await ledger.runs.transitions(id, 0)).map(({ status }) => status),
      );
    const open: string[] = [];
    for (const key of this.#keys.keys()) {
      const state = (await ledger.intents.get(key))?.state;
      if (state === 'pending') open.push(key);
    }
    const closing = Promise.all(this.#instances.map(({ watch }) => watch.close()));
    await clock.pass(30_000);
    await closing;
    for (const { database } of this.#instances) database.kill();
    const states = new Map([...kept].map(([id, run]) => [id, run.status]));
    const subscribers = this.#subscribers;
    return {
      upstream: runs,
      ledger: states,
      acknowledged: this.#acknowledged,
      keyless: this.#keyless,
      open,
      subscribers,
      transitions,
    };
  }

  #at(index: number): Instance {
    const instance = this.#instances[index % INSTANCES];
    if (instance === undefined) throw new Error('there is no instance');
    return instance;
  }

  async #open(): Promise<Instance> {
    const { engine, clock, upstream } = this.#stage;
    const database = mortal(engine, true);
    const random = this.#random;
    const apiKey = `sk_test_${this.#name}`;
    const account = await openAccount({
      apiKey,
      engine: database.engine,
      upstream,
      clock,
      random,
      webhooks: false,
    });
    account.watch.start();
    return { ...account, database };
  }

  async #create(instance: Instance, api: StripeApi, number: number | null): Promise<void> {
    const key = number === null ? null : `key-${api}-${number}`;
    const request = requestFor(api, number);
    if (key === null) this.#keyless += 1;
    else this.#keys.set(key, request);
    try {
      const outcome = await instance.watch.creates.create(request, key);
      if (outcome.reportRun === null) return;
      const name = key ?? `own-${this.#acknowledged.size}`;
      const known = this.#acknowledged.get(name) ?? new Set();
      this.#acknowledged.set(name, known.add(outcome.reportRun.id));
    } catch (error) {
      if (!(error instanceof GatewayError)) throw error;
    }
  }

  async #subscribe(instance: Instance, run: string): Promise<void> {
    const subscriber: Subscriber = { instance, run, seen: [], outcome: null };
    this.#subscribers.push(subscriber);
    try {
      for await (const update of await instance.watch.follow(run)) {
        if (update instanceof Error) throw update;
        subscriber.seen.push(update.status);
      }
      subscriber.outcome = 'ended';
    } catch (error) {
      subscriber.outcome = String(error);
    }
  }

  /** As Stripe's would be: of a run that may still go on, or that nobody here knows. */
  async #deliver({ watch }: Instance, id: string): Promise<void> {
    const api = id.startsWith('frr_') ? 'V1' : 'V2';
    const subject = { kind: 'run', api, id, createdAt: null, endedAt: null, upstreamKey: null } as const;
    const news = { account: null, livemode: false, subject };
    await watch.deliveries.take({ id: `evt_${id}`, type: 'reporting.report_run.succeeded', news });
  }

  async #fault(fault: FaultKind, method: 'GET' | 'POST', times: number): Promise<void> {
    const { upstream, losses } = this.#stage;
    if (fault === 'lost-request' || fault === 'lost-answer') {
      losses.push({ left: times, method, lost: fault === 'lost-request' ? 'request' : 'answer' });
      return;
    }
    const status = { before: 500, after: 500, conflict: 409, limited: 429 }[fault];
    const when = fault === 'after' ? 'after' : 'before';
    const headers = fault === 'limited' ? { 'Stripe-Rate-Limited-Reason': 'endpoint-rate' } : {};
    upstream.control('POST', 'faults', { kind: 'error', method, status, when, times, headers });
  }

  async #runs(): Promise<UpstreamRun[]> {
    const { upstream } = this.#stage;
    const answer = upstream.control('GET', `runs?account=acct_${this.#name}&mode=test`);
    const runs = answer['runs'] as unknown as {
      id: string;
      api: string;
      status: string;
      idempotencyKey: string | null;
    }[];
    return runs.map(({ id, api, status, idempotencyKey }) => {
      const number = numberOf(findRun(upstream.world, id)?.parameters['interval_start']);
      const key = idempotencyKey === null || number === null ? null : `key-${api}-${number}`;
      return { id, status, key, upstreamKey: idempotencyKey };
    });
  }

  async #run(index: number): Promise<{ id: string; status: string } | null> {
    const runs = await this.#runs();
    return runs.length === 0 ? null : (runs[index % runs.length] ?? null);
  }
}
