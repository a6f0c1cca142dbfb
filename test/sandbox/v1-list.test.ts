import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { items, start, text, V1_RUNS } from './support.js';
import type { Json, Started } from './support.js';

const ids = (page: Json) => items(page['data']).map((run) => text(run['id']));

async function truth({ control }: Started): Promise<string[]> {
  const { runs } = await control('GET', 'runs?account=acct_a');
  return items(runs).map((run) => text(run['id']));
}

/** Reads page after page until `has_more` is false. */
async function walk({ get }: Started, first: string, next: (page: string[]) => string): Promise<string[][]> {
  const pages: string[][] = [];
  for (let query = first; ; ) {
    const { status, body } = await get(`${V1_RUNS}?${query}`);
    expect(status).toBe(200);
    pages.push(ids(body));
    if (text(body['has_more']) === 'false') return pages;
    query = next(pages.at(-1) ?? []);
  }
}

describe('a list of v1 runs', () => {
  test('is the same sequence forward and backward, for pages of any size and many runs of one second', async () => {
    const sandbox = await start();
    const cases = fc.record({
      groups: fc.array(fc.integer({ min: 1, max: 9 }), { minLength: 1, maxLength: 6 }),
      forward: fc.integer({ min: 1, max: 12 }),
      backward: fc.integer({ min: 1, max: 12 }),
    });
    const property = fc.asyncProperty(cases, async ({ groups, forward, backward }) => {
      await sandbox.control('DELETE', 'runs?account=acct_a');
      for (const [age, count] of groups.entries()) {
        const createdAt = sandbox.clock.now - age * 1000;
        await sandbox.control('POST', 'runs', { account: 'acct_a', api: 'V1', count, createdAt });
      }
      const all = await truth(sandbox);
      const down = await walk(
        sandbox,
        `limit=${forward}`,
        (page) => `limit=${forward}&starting_after=${page.at(-1)}`,
      );
      expect(down.flat()).toEqual(all);
      expect(down.slice(0, -1).every((page) => page.length === forward)).toBe(true);
      const oldest = all.at(-1) ?? '';
      const up = await walk(
        sandbox,
        `limit=${backward}&ending_before=${oldest}`,
        (page) => `limit=${backward}&ending_before=${page[0]}`,
      );
      expect([...up.reverse().flat(), oldest]).toEqual(all);
    });
    await fc.assert(property, { numRuns: 25 });
  });

  test('is newest first, but within a second in an order of its own that stays', async () => {
    const sandbox = await start();
    const { ids: made } = await sandbox.control('POST', 'runs', { account: 'acct_a', api: 'V1', count: 40 });
    const first = ids((await sandbox.get(`${V1_RUNS}?limit=100`)).body);
    expect(first).not.toEqual(made);
    expect(first).not.toEqual(items(made).toReversed());
    expect(first.toSorted()).toEqual(items(made).map(text).toSorted());
    expect(ids((await sandbox.get(`${V1_RUNS}?limit=100`)).body)).toEqual(first);
    expect(first).not.toEqual(first.toSorted());
    // Out of 40 more, some come to stand between those that were there: not all above, not all below.
    const more = await sandbox.control('POST', 'runs', { account: 'acct_a', api: 'V1', count: 40 });
    const later = ids((await sandbox.get(`${V1_RUNS}?limit=100`)).body);
    expect(later.filter((id) => first.includes(id))).toEqual(first);
    const places = items(more['ids']).map((id) => later.indexOf(text(id)));
    expect(Math.max(...places) - Math.min(...places)).toBeGreaterThan(40);
  });

  test('has ten runs unless told otherwise, and none at all for a new account', async () => {
    const { control, get } = await start();
    expect((await get(V1_RUNS)).body).toEqual({ object: 'list', url: V1_RUNS, has_more: false, data: [] });
    await control('POST', 'runs', { account: 'acct_a', api: 'V1', count: 11, spacingMs: 1000 });
    const { body } = await get(V1_RUNS);
    expect([ids(body).length, body['has_more']]).toEqual([10, true]);
    expect(ids((await get(`${V1_RUNS}?limit=11`)).body)).toHaveLength(11);
  });

  test('knows no v2 runs', async () => {
    const { createV2, get } = await start();
    await createV2();
    expect((await get(V1_RUNS)).body['data']).toEqual([]);
  });

  test('filters by creation: exactly, or by bounds that are included or not', async () => {
    const { clock, control, get } = await start();
    await control('POST', 'runs', { account: 'acct_a', api: 'V1', count: 5, spacingMs: 1000 });
    const newest = Math.floor(clock.now / 1000);
    const ages = async (query: string) => {
      const { body } = await get(`${V1_RUNS}?${query}`);
      return items(body['data']).map((run) => newest - Number(run['created']));
    };
    expect(await ages(`created=${newest - 2}`)).toEqual([2]);
    expect(await ages(`created[gt]=${newest - 2}`)).toEqual([0, 1]);
    expect(await ages(`created[gte]=${newest - 2}`)).toEqual([0, 1, 2]);
    expect(await ages(`created[lt]=${newest - 2}`)).toEqual([3, 4]);
    expect(await ages(`created[gte]=${newest - 3}&created[lte]=${newest - 1}`)).toEqual([1, 2, 3]);
    const filtered = await get(`${V1_RUNS}?created[gte]=${newest - 3}&limit=3`);
    const cursor = ids(filtered.body).at(-1);
    expect(filtered.body['has_more']).toBe(true);
    expect(await ages(`created[gte]=${newest - 3}&limit=3&starting_after=${cursor}`)).toEqual([3]);
  });

  test('shows a new run up to a second late, though it can be read at once', async () => {
    const { clock, control, createV1, get } = await start({ random: seeded() });
    await control('POST', 'settings', { lateRunsMs: 1000 });
    const made: string[] = [];
    for (let i = 0; i < 12; i++) made.push(text((await createV1()).body['id']));
    for (const id of made) expect((await get(`${V1_RUNS}/${id}`)).status).toBe(200);
    const shown = async () => ids((await get(`${V1_RUNS}?limit=100`)).body).length;
    const atOnce = await shown();
    clock.now += 500;
    const half = await shown();
    clock.now += 500;
    expect([atOnce, half > 0 && half < 12, await shown()]).toEqual([0, true, 12]);
  });

  test.each([
    ['limit=0', 'limit'],
    ['limit=101', 'limit'],
    ['limit=ten', 'limit'],
    ['limit=-1', 'limit'],
    ['starting_after=RUN&ending_before=RUN', 'ending_before'],
    ['starting_after=frr_none', 'starting_after'],
    ['ending_before=frr_none', 'ending_before'],
    ['created=yesterday', 'created'],
    ['created[around]=1', 'created[around]'],
    ['created[gt]=1.5', 'created[gt]'],
    ['status=pending', 'status'],
  ])('refuses ?%s', async (query, param) => {
    const { createV1, get } = await start();
    const { body: run } = await createV1();
    const { status, body } = await get(`${V1_RUNS}?${query.replaceAll('RUN', text(run['id']))}`);
    expect(status).toBe(400);
    expect(body['error']).toMatchObject({ type: 'invalid_request_error', param });
  });
});

/** Numbers that only look random: evenly spread, and the same each time. */
function seeded(): () => number {
  let n = 0;
  return () => {
    n += 1;
    return (n * 0.618_033_988_7) % 1;
  };
}
