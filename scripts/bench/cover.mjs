// What list pages show, and how few of them could have shown it.

const PAGE = 100;
/** Who shows a run again so soon, ms, shows nothing new. */
const AGAIN_MS = 500;

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
 * How many requests were made, and how many would have been enough to show each running run as often. `list` are all runs, newest first,
 * `ids` those that are running, in the same order. `least` and `most` say how often one was shown.
 */
export function compare(requests, list, ids) {
  const places = new Map(list.map(({ id }, place) => [id, place]));
  const running = ids.map((id) => places.get(id));
  const shown = new Map(running.map((place) => [place, { times: 0, at: 0 }]));
  for (const request of requests) {
    const [from, to] = shownBy(request, list, places);
    for (let place = from; place <= to; place += 1) {
      const run = shown.get(place);
      if (run === undefined || request.at - run.at < AGAIN_MS) continue;
      run.times += 1;
      run.at = request.at;
    }
  }
  const times = running.map((place) => shown.get(place).times);
  const most = Math.max(...times);
  let enough = 0;
  for (let time = 1; time <= most; time += 1)
    enough += smallestCover(running.filter((place) => shown.get(place).times >= time));
  return { cover: smallestCover(running), enough, made: requests.length, least: Math.min(...times), most };
}
