import type { Engine, SqlValue } from './engine.js';
import { fingerprintOf, INTENT_COLUMNS, type IntentRow, readIntent, toIntent } from './intent-rows.js';
import type { BeginResult, Held, Intents } from './intents.js';

/** How long, ms, an intent is left to whoever took it up: longer than an attempt with all its pauses lasts. */
const LEASE_MS = 60_000;

/** Who has an intent in hand, and until when. */
export function intentHolds(
  engine: Engine,
  account: string,
  now: () => number,
): Pick<Intents, 'begin' | 'take' | 'claim' | 'makeDue' | 'renew'> {
  return {
    begin(key, request, newUpstreamKey, extraMs = 0) {
      const fingerprint = fingerprintOf(request);
      return engine.tx(async (tx) => {
        const old = await readIntent(tx, account, key);
        if (old && old.state !== 'closed') return resume(old, fingerprint);
        const at = now();
        const due = at + LEASE_MS + extraMs;
        const [row] = await tx.query<IntentRow>(
          `insert into intents (account, key, fingerprint, request, upstream_key, keyed, state, attempt, created, due)
           values (?, ?, ?, ?, ?, ?, 'pending', 0, ?, ?)
           on conflict (account, key) do update set fingerprint = excluded.fingerprint, request = excluded.request,
             upstream_key = excluded.upstream_key, keyed = excluded.keyed, spent = null, state = 'pending', run_id = null,
             error = null, attempt = 0, created = excluded.created, due = excluded.due, ended = null
           where intents.state = 'closed'
           returning ${INTENT_COLUMNS}`,
          [account, key, fingerprint, JSON.stringify(request), newUpstreamKey(), at, at, due],
        );
        if (!row) throw new Error(`The intent ${key} was taken by another writer within a transaction.`);
        return { kind: 'started', intent: toIntent(row) };
      });
    },
    take(held, extraMs = 0) {
      return engine.tx(async (tx) => {
        const row = await readIntent(tx, account, held.key);
        if (row?.state !== 'pending' || row.upstreamKey !== held.upstreamKey) return null;
        const at = now();
        const due = Math.max(row.due, at + LEASE_MS + extraMs);
        const [taken] = await tx.query<IntentRow>(
          `update intents set attempt = attempt + 1, due = ?
           where account = ? and key = ? and upstream_key = ? and state = 'pending' returning ${INTENT_COLUMNS}`,
          [due, account, row.key, row.upstreamKey],
        );
        return taken ? { intent: toIntent(taken), isContested: engine.isShared && row.due > at } : null;
      });
    },
    async claim(limit) {
      const at = now();
      // Materialized: Postgres may ask a subquery of an `in` again for each row, and so take more than the limit.
      const rows = await engine.query<IntentRow>(
        `with due as materialized (
           select key from intents where account = ? and state = 'pending' and due <= ? order by due limit ? ${engine.skipLocked})
         update intents set attempt = attempt + 1, due = ? where account = ? and key in (select key from due)
         returning ${INTENT_COLUMNS}`,
        [account, at, limit, at + LEASE_MS, account],
      );
      return rows.map(toIntent).sort((a, b) => a.createdAt - b.createdAt);
    },
    async makeDue() {
      const at = now();
      await engine.query("update intents set due = ? where account = ? and state = 'pending' and due > ?", [
        at,
        account,
        at,
      ]);
    },
    renew(held) {
      const due = now() + LEASE_MS;
      return changeHeld(engine, account, held, 'due = case when due > ? then due else ? end', [due, due]);
    },
  };
}

/** Changes a pending intent for whoever holds its last attempt; says whether that is the caller. */
export async function changeHeld(
  engine: Engine,
  account: string,
  held: Held,
  set: string,
  params: readonly SqlValue[],
): Promise<boolean> {
  const rows = await engine.query(
    `update intents set ${set}
     where account = ? and key = ? and upstream_key = ? and attempt = ? and state = 'pending' returning key`,
    [...params, account, held.key, held.upstreamKey, held.attempt],
  );
  return rows.length > 0;
}

function resume(row: IntentRow, fingerprint: string): BeginResult {
  if (row.fingerprint !== fingerprint) return { kind: 'mismatch' };
  if (row.runId !== null) return { kind: 'done', runId: row.runId };
  return { kind: row.state === 'unknown' ? 'unknown' : 'pending', intent: toIntent(row) };
}
