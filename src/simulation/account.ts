import { pino } from 'pino';
import { DECODER_VERSION, decodeRun } from '../datasources/decode-run.js';
import { createStripeV1 } from '../datasources/stripe-v1.js';
import { createStripeV2 } from '../datasources/stripe-v2.js';
import type { Engine } from '../ledger/engine.js';
import { type Ledger, openLedger } from '../ledger/ledger.js';
import type { Clock } from '../watch/clock.js';
import { createWatch, type Watch } from '../watch/watch.js';
import { Budget } from '../watch/budget.js';
import type { Upstream } from './upstream.js';

export interface AccountOptions {
  /** `sk_<mode>_<name>` is the key of `acct_<name>`. */
  readonly apiKey: string;
  readonly engine: Engine;
  readonly upstream: Upstream;
  readonly clock: Clock;
  readonly random: () => number;
  /** Whether the account's events are delivered. */
  readonly webhooks: boolean;
}

/** One instance's watch over one account: the gateway's own code from the ledger to the requests. */
export interface Account {
  readonly apiKey: string;
  /** `acct_<name>`. */
  readonly name: string;
  readonly mode: 'live' | 'test';
  readonly ledger: Ledger;
  readonly watch: Watch;
}

export async function openAccount(options: AccountOptions): Promise<Account> {
  const { apiKey, engine, upstream, clock, random, webhooks } = options;
  const mode = apiKey.startsWith('sk_live_') ? 'live' : 'test';
  const name = apiKey.replace(`sk_${mode}_`, 'acct_');
  const account = `${name}:${mode}`;
  const ledger = await openLedger({
    engine,
    account,
    upstream: upstream.world.origin,
    decode: decodeRun,
    decoderVersion: DECODER_VERSION,
    now: () => clock.now(),
  });
  const log = pino({ level: 'silent' });
  const { buckets } = ledger;
  const budget = new Budget({ account, buckets, monthlyReads: null, clock, log });
  const transport = upstream.transport(apiKey, budget);
  const watch = createWatch({
    account,
    ledger,
    onNotify: (listener) => engine.onNotify(listener),
    onGap: (listener) => engine.onGap(listener),
    webhooks,
    v1: createStripeV1(transport),
    v2: createStripeV2(transport),
    log,
    isShared: engine.isShared,
    clock,
    random,
  });
  return { apiKey, name, mode, ledger, watch };
}
