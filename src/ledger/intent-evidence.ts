import type { Tx } from './engine.js';
import { placeholders } from './observe.js';
import type { RunNote } from './runs.js';

/**
 * An event names the key under which a run was created: whatever became of the POST, the intent with that upstream key has its
 * run, also one that was given up or closed.
 */
export async function proveIntents(
  tx: Tx,
  account: string,
  notes: readonly RunNote[],
  now: number,
): Promise<void> {
  const runs = new Map(notes.flatMap(({ id, upstreamKey }) => (upstreamKey ? [[upstreamKey, id]] : [])));
  if (runs.size === 0) return;
  const open = await tx.query<{ upstreamKey: string }>(
    `select upstream_key as "upstreamKey" from intents
     where account = ? and upstream_key in (${placeholders(runs.size)}) and state <> 'done'`,
    [account, ...runs.keys()],
  );
  for (const { upstreamKey } of open) {
    await tx.query(
      `update intents set state = 'done', run_id = ?, error = null, ended = ?
       where account = ? and upstream_key = ? and state <> 'done'`,
      [runs.get(upstreamKey) ?? '', now, account, upstreamKey],
    );
  }
}
