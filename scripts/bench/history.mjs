// Accounts with long histories, and ledgers that know them: what a gateway would have read over weeks is read here at once.
import { DECODER_VERSION, decodeRun } from '../../dist/datasources/decode-run.js';
import { createStripeV1 } from '../../dist/datasources/stripe-v1.js';
import { createStripeV2 } from '../../dist/datasources/stripe-v2.js';
import { createTransport } from '../../dist/datasources/transport.js';
import { openLedger } from '../../dist/ledger/ledger.js';
import { openEngine } from '../../dist/ledger/open-engine.js';

/** Between two neighbours, ms: Stripe promises an order from one second to the next. */
const SPACING_MS = 1_000;
/** How old the newest is, ms. */
const AGE_MS = 600_000;
const AT_ONCE = 20;

/** Makes v1 runs of which one in `every` is running, at equal distances. Gives all, newest first, and the ids of those that run. */
export async function makeV1(control, account, running, every) {
  const newest = wholeSecond(Date.now() - AGE_MS);
  const columns = [];
  for (let place = 0; place < every; place += 1) {
    const { ids } = await control('runs', {
      account,
      api: 'V1',
      count: running,
      createdAt: newest - place * SPACING_MS,
      spacingMs: every * SPACING_MS,
      status: place === 0 ? 'running' : 'succeeded',
    });
    columns.push(ids);
  }
  const ids = columns[0].flatMap((_, at) => columns.map((column) => column[at]));
  const all = ids.map((id, place) => ({ id, created: newest - place * SPACING_MS }));
  return { all, running: columns[0] };
}

/** Makes v2 runs that are running, and gives their ids. */
export async function makeV2(control, account, count) {
  const createdAt = Date.now() - AGE_MS - 60_000;
  const { ids } = await control('runs', { account, api: 'V2', count, createdAt, status: 'running' });
  return ids;
}

/** Makes a run that has just begun: gateways look once a second as long as there is one. */
export async function makeFresh(control, account, api) {
  const created = wholeSecond(Date.now());
  const { ids } = await control('runs', { account, api, count: 1, status: 'running', createdAt: created });
  return { id: ids[0], created };
}

/** v1 counts in these. */
function wholeSecond(ms) {
  return Math.floor(ms / 1_000) * 1_000;
}

/** Writes all of an account into a ledger: v1's whole list, and these v2 runs. The sandbox must have its limits off. */
export async function learn({ database, sandbox, apiKey, account, v2 }) {
  const engine = await openEngine(database.url, { isCommand: true });
  const base = new URL(sandbox.address);
  const transport = createTransport({ apiKey, base, v2Version: '2026-04-22.dahlia' });
  try {
    const ledger = await openLedger({
      engine,
      account: `${account}:test`,
      upstream: base.origin,
      decode: decodeRun,
      decoderVersion: DECODER_VERSION,
      now: () => engine.now(),
    });
    await learnV1(ledger, createStripeV1(transport), () => engine.now());
    await learnV2(ledger, createStripeV2(transport), v2, () => engine.now());
  } finally {
    await transport.close();
    await engine.close();
  }
}

async function learnV1(ledger, v1, now) {
  const refreshed = now();
  let newest = null;
  let after = {};
  for (;;) {
    const askedAt = now();
    const page = await v1.listRuns(after);
    const last = page.items.at(-1)?.run;
    if (last === undefined) return;
    newest ??= page.items[0].run.createdAt;
    const marks = { newest, refreshed, horizon: { createdAt: last.createdAt, id: last.id } };
    await ledger.feeds.advance('V1', { ...marks, complete: !page.hasMore }, { ...page, askedAt });
    if (!page.hasMore) return;
    after = { startingAfter: last.id };
  }
}

async function learnV2(ledger, v2, ids, now) {
  const read = now();
  for (let at = 0; at < ids.length; at += AT_ONCE) {
    const items = await Promise.all(ids.slice(at, at + AT_ONCE).map((id) => v2.retrieveRun(id)));
    await ledger.runs.observe(items, { askedAt: now() });
  }
  const marks = { eventCursor: read, refreshed: read, swept: read, complete: true };
  await ledger.feeds.advance('V2', marks);
}
