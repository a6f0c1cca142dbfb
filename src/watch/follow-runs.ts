import { Repeater } from '@repeaterjs/repeater';
import type { RunChange } from '../ledger/run-changes.js';
import { letsThrough } from '../ledger/run-filter.js';
import { badUserInput } from '../models/errors.js';
import type { ReportRun } from '../models/report-run.js';
import type { RunFilter } from '../models/run-page.js';
import type { Clock } from './clock.js';
import { CLOSING, runWhen } from './follow.js';
import type { RunLog } from './run-log.js';
import type { Wakes } from './wakes.js';
import type { WatchedFilters } from './watched-filters.js';

/** How far back, ms, a subscription may begin. */
const SINCE_MAX_MS = 86_400_000;
/**
 * A run that had ended so long, ms, before the gateway first saw it is history that was read back, and no news. The daily look
 * through v2's events can be the first to see a run a day late.
 */
const HISTORY_MS = 2 * 86_400_000;

export interface FollowRunsOptions {
  readonly runLog: RunLog;
  readonly watched: WatchedFilters;
  readonly wakes: Wakes;
  readonly clock: Clock;
  /** Whether the gateway is shutting down: then nothing is followed any more. */
  readonly isClosing: () => boolean;
}

/**
 * Each transition of each run that a filter lets through, once and in order, from now on or from an earlier instant (unix ms). Ends
 * only when the gateway shuts down. Rejects with BAD_USER_INPUT where the instant is too long ago.
 */
export async function followRuns(
  { runLog, watched, wakes, clock, isClosing }: FollowRunsOptions,
  filter: RunFilter,
  since: number | null,
): Promise<AsyncIterable<ReportRun>> {
  const earliest = clock.now() - SINCE_MAX_MS;
  if (since !== null && since < earliest) {
    throw badUserInput(
      `\`since\` must be at most a day ago, after ${new Date(earliest).toISOString()}, but is ${new Date(since).toISOString()}: list the runs again, and begin from there.`,
    );
  }
  const head = await runLog.head();
  // Places run ahead of the clock where many changes came at once; and an instant to come must not leave out what comes before it.
  const place = since === null ? head : Math.min(head, since - 1);
  const isAsked = ({ seq, at }: RunChange): boolean => seq > head || at >= (since ?? 0);

  return new Repeater<ReportRun>(async (push, stop) => {
    const over = new AbortController();
    void stop.then(() => over.abort());
    const release = [watched.add(filter), wakes.on(CLOSING, () => stop())];
    if (isClosing()) stop();
    await runLog.readOn(place, over.signal, async (change) => {
      if (change.run !== null && isAsked(change) && isTold(filter, change, change.run))
        await push(runWhen(change.run, change.status));
    });
    for (const end of release) end();
    stop();
  });
}

/** Whether the filter lets the run through as it became, or as it was before: who lists what runs has to hear that it ended. */
function isTold(filter: RunFilter, change: RunChange, run: ReportRun): boolean {
  const became = runWhen(run, change.status);
  const isNews = change.version > 1 || change.status === 'RUNNING' || !isHistory(change, run);
  const hasLeft = change.version > 1 && letsThrough(filter, runWhen(run, 'RUNNING'));
  return isNews && (hasLeft || letsThrough(filter, became));
}

function isHistory({ at }: RunChange, { createdAt, finishedAt }: ReportRun): boolean {
  return (finishedAt ?? createdAt) < at - HISTORY_MS;
}
