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

/** The places of a list that a request for v1 runs showed. `placeOf` tells the place of an id, newest first from 0. */
function shownBy({ path, query }, placeOf, size) {
  const id = path.split('/')[4];
  if (id !== undefined) return [placeOf(id), placeOf(id)];
  const fields = new URLSearchParams(query);
  for (const name of fields.keys())
    if (name !== 'limit' && name !== 'starting_after')
      throw new Error(`the benchmark does not know what a list with ${name} shows`);
  const after = fields.get('starting_after');
  const from = after === null ? 0 : placeOf(after) + 1;
  return [from, Math.min(size, from + Number(fields.get('limit'))) - 1];
}

/**
 * How many requests were made, and how many would have been enough. A round ends when every running run has been shown once more; of
 * the last one counts what it has shown. `running` are places, ascending.
 */
export function compare(requests, running, placeOf, size) {
  const all = new Set(running);
  let left = new Set(all);
  let rounds = 0;
  let enough = 0;
  const cover = smallestCover(running);
  for (const request of requests) {
    const [from, to] = shownBy(request, placeOf, size);
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
