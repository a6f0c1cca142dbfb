import type { Aftermath, Subscriber } from './play.js';

/** What is not as it must be after a schedule, in words; nothing where all is well. */
export function wrongsOf(aftermath: Aftermath): string[] {
  const { upstream, ledger, acknowledged, open, keyless, subscribers, transitions } = aftermath;
  const ids = new Set(upstream.map(({ id }) => id));
  const keys = upstream.flatMap(({ key }) => key ?? []);
  const upstreamKeys = upstream.flatMap(({ upstreamKey }) => upstreamKey ?? []);
  const wrongs: (string | null)[] = [
    ...upstream.map(({ id, status }) =>
      ledger.get(id) === status.toUpperCase() ? null : `${id} is ${status}, the ledger has ${ledger.get(id)}`,
    ),
    ...[...acknowledged].map(([key, runs]) =>
      runs.size === 1 ? null : `${key} was answered with ${[...runs].join(', ')}`,
    ),
    ...[...acknowledged.values()].flatMap((runs) =>
      [...runs].map((id) => (ids.has(id) ? null : `${id} is lost`)),
    ),
    ...twice(keys).map((key) => `two runs were started for ${key}`),
    ...twice(upstreamKeys).map((key) => `two runs have the upstream key ${key}`),
    // Those without a key cannot be told from each other, but they can be counted.
    upstreamKeys.length - keys.length > keyless ? 'more runs than creates without a key' : null,
    ...open.map((key) => `${key} is still open`),
    ...[...transitions].map(([id, statuses]) =>
      statuses.length > 2 ? `${id} moved ${statuses.join(', ')}` : null,
    ),
    ...subscribers.map((subscriber) => wrongOf(subscriber, ledger.get(subscriber.run) ?? 'unknown')),
  ];
  return wrongs.filter((wrong) => wrong !== null);
}

function wrongOf({ instance, run, seen, outcome }: Subscriber, end: string): string | null {
  const told = seen.join(', ');
  const isWhole = told === end || told === `RUNNING, ${end}`;
  // Of an instance that was killed, the beginning of the same will do.
  const isBegun = !instance.database.isAlive() && (told === '' || told === 'RUNNING');
  const isRefused = outcome !== null && outcome !== 'ended' && told === '';
  if ((outcome === 'ended' && isWhole) || isRefused) return null;
  if (!instance.database.isAlive() && (isBegun || isWhole)) return null;
  return `a subscriber of ${run} was told [${told}], it is ${end}, and the stream is ${outcome ?? 'open'}`;
}

function twice(values: readonly string[]): string[] {
  return values.filter((value, index) => values.indexOf(value) !== index);
}
