// What list pages show, and how few of them could have shown it.

const PAGE = 100;

/** The fewest requests that show all these places of a list (numbers, ascending): each shows 100 neighbours. */
function smallestCover(places) {
  let count = 0;
  let shown = -1;
  for (const place of places) {
    if (place <= shown) continue;
    count += 1;
    shown = place + PAGE - 1;
  }
  return count;
}

/** The first and the last place that a request for v1 runs showed of `list`. */
function shownBy({ path, query }, list, places) {
  const id = path.split('/')[4];
  if (id !== undefined) return [places.get(id), places.get(id)];
  const {
    limit,
    starting_after: after,
    'created[lte]': until,
    ...unknown
  } = Object.fromEntries(new URLSearchParams(query));
  for (const name of Object.keys(unknown))
    throw new Error(`the benchmark does not know what a list with ${name} shows`);
  const first = until === undefined ? 0 : list.findIndex(({ created }) => created <= Number(until) * 1_000);
  const from = Math.max(first === -1 ? list.length : first, after === undefined ? 0 : places.get(after) + 1);
  return [from, Math.min(list.length, from + Number(limit)) - 1];
}

/**
 * How many requests were made, and how many would have been enough. A round ends when every running run has been shown once more; of
 * the last one counts what it has shown. `list` are all runs, newest first, `ids` those that are running, in the same order.
 */
export function compare(requests, list, ids) {
  const places = new Map(list.map(({ id }, place) => [id, place]));
  const running = ids.map((id) => places.get(id));
  const all = new Set(running);
  let left = new Set(all);
  let rounds = 0;
  let enough = 0;
  const cover = smallestCover(running);
  for (const request of requests) {
    const [from, to] = shownBy(request, list, places);
    for (const place of left.size > to - from ? range(from, to) : [...left])
      if (place >= from && place <= to) left.delete(place);
    if (left.size > 0) continue;
    rounds += 1;
    enough += cover;
    left = new Set(all);
  }
  enough += smallestCover(running.filter((place) => !left.has(place)));
  return { rounds, cover, enough, made: requests.length };
}

function range(from, to) {
  return Array.from({ length: to - from + 1 }, (_, at) => from + at);
}
