import type { Engine } from './engine.js';

/**
 * v1 says itself when a run succeeded; in v2 only an event does. Any other end is when the gateway saw it, which can be days later
 * where the gateway was not running.
 */
export async function durations(
  engine: Engine,
  account: string,
  type: string,
  limit: number,
): Promise<readonly number[]> {
  const rows = await engine.query<{ created: number; finished: number | null }>(
    `select created, case when api = 'V1' then finished else ended end as finished from runs
     where account = ? and status is not null and type = ? and status = 'SUCCEEDED'
     order by created desc, id desc limit ?`,
    [account, type, limit],
  );
  return rows.flatMap(({ created, finished }) =>
    finished === null ? [] : [Math.max(0, finished - created)],
  );
}
