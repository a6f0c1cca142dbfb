import { setTimeout as wait } from 'node:timers/promises';
import type { Logger } from 'pino';
import type { Operations, Services } from './context.js';
import { decodeReportTypeV1, decodeReportTypeV2 } from './datasources/decode-report-type.js';
import { DECODER_VERSION, decodeRun } from './datasources/decode-run.js';
import { createFileSource, type FileSource } from './datasources/files.js';
import { createStripeV1 } from './datasources/stripe-v1.js';
import { createStripeV2 } from './datasources/stripe-v2.js';
import { createWebhookReader } from './datasources/stripe-webhooks.js';
import { createTransport } from './datasources/transport.js';
import { openLedger } from './ledger/ledger.js';
import { openEngine } from './ledger/open-engine.js';
import type { JsonObject } from './models/json.js';
import type { StripeApi } from './models/report-run.js';
import type { ReportType } from './models/report-type.js';
import { ReportRows } from './rows/report-rows.js';
import { createRowCursors } from './rows/row-cursor.js';
import { Budget } from './watch/budget.js';
import { systemClock } from './watch/clock.js';
import { Operator } from './watch/operator.js';
import { Catalogue } from './watch/report-types.js';
import { RetentionLoop } from './watch/retention-loop.js';
import { createWatch } from './watch/watch.js';

/** The pause, ms, before Stripe is asked once more whose key it is. */
const LIMITED_MS = 1_000;

export interface ServicesOptions {
  readonly apiKey: string;
  /** The origin of Stripe's API. */
  readonly base: URL;
  /** Whose key it is; null has it asked from Stripe. */
  readonly accountId: string | null;
  readonly v2Version: string;
  readonly v2Reports: readonly string[];
  /** After so many reads in a month (UTC) unwatched work slows down; null: never. */
  readonly monthlyReads: number | null;
  /** How long transitions and settled creates are kept. */
  readonly retentionDays: number;
  /** Where the ledger is kept: `file:` and a path, or `postgres://…`. */
  readonly database: string;
  /** Start even on a Postgres that may lose what it has acknowledged. */
  readonly allowUnsafe?: boolean;
  /** What Stripe signs webhooks with; none where it sends none. */
  readonly webhookSecrets: readonly string[];
  readonly log: Logger;
}

/** The services of one account, but for links to files, which are the server's. Whoever opens them closes them. */
export interface OpenServices {
  readonly services: Omit<Services, 'files'>;
  readonly operations: Operations;
  readonly files: Pick<FileSource, 'open'>;
  /** Signs links to files; the same after a restart. */
  readonly fileSecret: Uint8Array;
  /**
   * Takes what Stripe has posted: resolves once the ledger has it, to null, or to the sentence that says why it is refused. Null where
   * there are no secrets.
   */
  readonly receiveWebhook: ((body: Uint8Array, signature: string | null) => Promise<string | null>) | null;
  /** Unix ms by the ledger's clock, which all instances share. */
  now(): number;
  /** Completes the subscriptions and ends the polling. What was asked for can still be read. */
  stop(): Promise<void>;
  /** Closes the ledger and the connections to Stripe. */
  close(): Promise<void>;
}

/**
 * Opens the ledger and begins to follow the runs of the key's account. Rejects with a LedgerError where the ledger cannot be
 * used, and with a sentence where Stripe does not say whose key it is.
 */
export async function openServices(options: ServicesOptions): Promise<OpenServices> {
  const { apiKey, base, log } = options;
  const engine = await openEngine(options.database, options);
  const now = (): number => engine.now();
  const closers = [() => engine.close()];
  const closeAll = async (): Promise<void> => {
    for (let closer = closers.pop(); closer !== undefined; closer = closers.pop()) await closer();
  };
  try {
    const account = `${options.accountId ?? (await askAccount(options))}:${modeOf(apiKey)}`;
    const upstream = base.origin;
    const decoding = { decode: decodeRun, decoderVersion: DECODER_VERSION };
    const ledger = await openLedger({ engine, account, upstream, ...decoding, now });
    const clock = systemClock(now);
    const { buckets } = ledger;
    const budget = new Budget({ account, buckets, monthlyReads: options.monthlyReads, clock, log });
    const transport = createTransport({ apiKey, base, v2Version: options.v2Version, admission: budget });
    closers.push(() => transport.close());
    const v1 = createStripeV1(transport);
    const v2 = createStripeV2(transport);
    const files = createFileSource({ apiKey, base, v2, admission: budget });
    closers.push(() => files.close());
    const onNotify = engine.onNotify.bind(engine);
    const { isShared } = engine;
    const watch = createWatch({
      account,
      ledger,
      onNotify,
      onGap: engine.onGap.bind(engine),
      isShared,
      v1,
      v2,
      log,
      clock,
      random: Math.random,
      webhooks: options.webhookSecrets.length > 0,
    });
    const { v2Reports } = options;
    const catalogue = new Catalogue({ v1, v2, ledger, decode: decodeReportType, v2Reports, clock });
    const fileSecret = await ledger.secret('files');
    const cursors = createRowCursors({ account, secret: await ledger.secret('row-cursors') });
    const { reader } = watch;
    const rows = new ReportRows({ known: ledger.files, files, v2, cursors, reader, clock });
    const operator = new Operator({ v1, v2, ledger, log });
    const { webhookSecrets: secrets } = options;
    const readWebhook = createWebhookReader({ secrets, now });
    const { retentionDays: days } = options;
    const retention = new RetentionLoop({ retention: ledger.retention, days, log, clock });
    closers.push(() => retention.close());
    watch.start();
    retention.start();
    return {
      services: {
        account,
        runs: {
          read: (ids) => reader.read(ids),
          page: (request) => watch.pages.page(request),
          count: (filter) => watch.pages.count(filter),
          follow: (id) => watch.follow(id),
          followAll: (filter, since) => watch.followRuns(filter, since),
          outlook: (run) => watch.outlooks.of(run),
          upstream: () => watch.states.get(),
        },
        hasBegun: (key) => watch.creates.hasBegun(key),
        createReportRun: (request, key, slotWait) => watch.creates.create(request, key, slotWait * 1_000),
        reportTypes: catalogue,
        rows,
      },
      operations: {
        account,
        openCreates: () => operator.openCreates(),
        settle: (key, runId) => operator.settle(key, runId),
        usage: () => budget.usage(),
      },
      files,
      fileSecret,
      now,
      receiveWebhook:
        secrets.length === 0
          ? null
          : async (body, signature) => {
              const event = readWebhook(body, signature);
              if ('refused' in event) return event.refused;
              await watch.deliveries.take(event);
              return null;
            },
      stop() {
        budget.stop();
        return watch.close();
      },
      close: closeAll,
    };
  } catch (error) {
    await closeAll();
    throw error;
  }
}

/** Without the account nothing can be kept or signed, so a gateway that cannot learn it does not start. */
async function askAccount({ apiKey, base, v2Version }: ServicesOptions): Promise<string> {
  // Without an account there is no budget yet. This is one request, and one more where other processes have used up the rate.
  const admission = { admit: () => Promise.resolve(), refused: () => wait(LIMITED_MS, LIMITED_MS) };
  const transport = createTransport({ apiKey, base, v2Version, admission });
  try {
    return await createStripeV1(transport).accountId();
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new Error(
      `${base.origin} did not say whose key STRIPE_API_KEY is: ${reason} Set STRIPE_ACCOUNT_ID to start without asking.`,
      { cause: error },
    );
  } finally {
    await transport.close();
  }
}

/** Keys say which data they are for. */
function modeOf(apiKey: string): 'live' | 'test' {
  return /^[a-z]+_live_/.test(apiKey) ? 'live' : 'test';
}

/** A kept report type; null where it cannot be read, which then looks as if there were none. */
function decodeReportType(api: StripeApi, body: JsonObject): ReportType | null {
  try {
    return api === 'V1' ? decodeReportTypeV1(body) : decodeReportTypeV2(body);
  } catch {
    return null;
  }
}
