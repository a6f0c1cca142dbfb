import type { Engine } from './engine.js';

/** What times say that lie ahead of the clock: the process that wrote them had a clock that was fast, or this one was set back. */
const STATEMENTS = [
  'update runs set seen = null where seen > ?',
  'update runs set watched_until = null where watched_until > ?',
  'update runs set missing_since = null, missing_times = null where missing_since > ?',
  'update feeds set refreshed = null where refreshed > ?',
  'update feeds set event_cursor = null, swept = null where event_cursor > ?',
  'update feeds set failure = null, began = null where began > ?',
  'update report_types set refreshed = 0 where refreshed > ?',
];

/**
 * Forgets what is only a time that has yet to come: a run seen in an hour would not be looked at until then. What was read
 * stays; it is looked for once more. Right only where no other process can be at it.
 */
export async function forgetFuture(engine: Engine): Promise<void> {
  await engine.tx(async (tx) => {
    const now = engine.now();
    for (const statement of STATEMENTS) await tx.query(statement, [now]);
    await tx.query('update intents set spent = ? where spent > ?', [now, now]);
  });
}
