/** Ids in one statement: few enough for any database, and for the statements that differ in their number to be kept. */
const BATCH = 500;

/** Ids in pieces that one statement can name. */
export function* batches(ids: readonly string[]): Generator<readonly string[]> {
  for (let at = 0; at < ids.length; at += BATCH) yield ids.slice(at, at + BATCH);
}
