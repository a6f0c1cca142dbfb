import { Repeater } from '@repeaterjs/repeater';
import { runTopic } from '../ledger/observe.js';
import { goneTopic } from '../ledger/topics.js';
import { GatewayError } from '../models/errors.js';
import type { ReportRun, ReportRunStatus } from '../models/report-run.js';
import type { FollowedReads } from './followed-reads.js';
import type { Followers } from './followers.js';
import type { RunReader } from './run-reader.js';
import type { Wakes } from './wakes.js';

export interface FollowOptions {
  readonly account: string;
  readonly reads: FollowedReads;
  readonly reader: RunReader;
  readonly followers: Followers;
  readonly wakes: Wakes;
  /** Whether the gateway is shutting down: then nothing is followed any more. */
  readonly isClosing: () => boolean;
}

/** The topic on which all followers hear that the gateway is shutting down. */
export const CLOSING = 'closing';

/**
 * The run as it is now, then every transition once and in order; ends with the run. Rejects where there is no such run, or where
 * an unknown one cannot be read. Not an async generator: its `return()` would wait behind the pending wait for a wake, and the
 * run would be polled on for a client that has left.
 */
export async function follow(options: FollowOptions, id: string): Promise<AsyncIterable<ReportRun | Error>> {
  const { account, reads, reader, followers, wakes } = options;
  const [first] = await reader.read([id]);
  if (first instanceof Error) throw first;
  if (first === null || first === undefined) throw notFound(id);

  return new Repeater<ReportRun | Error>(async (push, stop) => {
    const signal = new Signal();
    const state = { isGone: false, isStopped: false };
    const release = [
      followers.add(id),
      wakes.on(runTopic(account, id), () => signal.raise()),
      wakes.on(goneTopic(account, id), () => {
        state.isGone = true;
        signal.raise();
      }),
      wakes.on(CLOSING, () => stop()),
    ];
    if (options.isClosing()) stop();
    void stop.then(() => {
      state.isStopped = true;
      return signal.raise();
    });
    try {
      // Listening came before this read, so that nothing that changes in between is missed.
      let seen = (await reads.read(id)).kept;
      if (seen?.run) await push(seen.run);
      let version = seen?.version ?? 0;
      while (!state.isStopped && !hasEnded(seen?.status ?? null)) {
        await signal.wait();
        if (state.isStopped) break;
        if (state.isGone) {
          await push(notFound(id));
          break;
        }
        // The run before its transitions: one that comes in between has a wake of its own.
        const read = await reads.read(id);
        seen = read.kept;
        if (seen?.run == null || seen.version === version) continue;
        for (const transition of await read.transitions()) {
          if (transition.version > seen.version) break;
          if (transition.version <= version) continue;
          version = transition.version;
          await push(runWhen(seen.run, transition.status));
        }
      }
    } catch (error) {
      await push(error instanceof Error ? error : new Error(String(error)));
    } finally {
      for (const end of release) end();
      stop();
    }
  });
}

/** A run as it was at an earlier transition: the ledger keeps only its latest state. */
export function runWhen(run: ReportRun, status: ReportRunStatus): ReportRun {
  if (status === run.status) return run;
  const earlier = { status, finishedAt: null, result: null, failure: null };
  return run.api === 'V1' ? { ...run, ...earlier, succeededAt: null } : { ...run, ...earlier };
}

function hasEnded(status: ReportRunStatus | null): boolean {
  return status === 'SUCCEEDED' || status === 'FAILED';
}

function notFound(id: string): GatewayError {
  return new GatewayError('NOT_FOUND', `Stripe knows no report run ${id}.`);
}

/** Raised while nobody waits, it lets the next wait through at once. */
export class Signal {
  #raised = false;
  #resolve: (() => void) | null = null;

  raise(): void {
    this.#raised = true;
    this.#resolve?.();
  }

  async wait(): Promise<void> {
    if (!this.#raised) {
      await new Promise<void>((resolve) => {
        this.#resolve = resolve;
      });
    }
    this.#raised = false;
    this.#resolve = null;
  }
}
