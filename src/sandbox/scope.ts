import { token } from './random.js';
import type { Random } from './random.js';
import type { JsonObject } from './json.js';
import { inListOrder } from './run.js';
import type { Api, Mode, Run } from './run.js';
import type { Settings } from './settings.js';

export type EventWord = 'created' | 'updated' | 'succeeded' | 'failed';

/** A v2 event. Times are unix ms. */
export interface RunEvent {
  readonly id: string;
  readonly type: `v2.reporting.report_run.${EventWord}`;
  readonly created: number;
  /** Lists do not show it before. */
  readonly visibleAt: number;
  /** Keeps events of one moment in the order they were made. */
  readonly seq: number;
  readonly runId: string;
  readonly request: { readonly id: string; readonly idempotency_key: string | null } | null;
  readonly changes: JsonObject | null;
}

/** Hears of each event of a v2 run, and with null of each v1 run that has ended. */
type Listener = (run: Run, event: RunEvent | null) => void;

/** What one account has in one mode. */
export class Scope {
  readonly account: string;
  readonly mode: Mode;
  readonly #random: Random;
  readonly #runs = new Map<string, Run>();
  #lists: Record<Api, Run[]> = { V1: [], V2: [] };
  #listsSorted = true;
  #events: RunEvent[] = [];
  #eventsSorted = true;
  #eventCount = 0;
  readonly #listener: Listener;
  /** Runs whose end has not been told yet. */
  readonly #untold: Readonly<Record<Api, Set<Run>>> = { V1: new Set(), V2: new Set() };

  constructor(account: string, mode: Mode, random: Random, listener: Listener) {
    this.account = account;
    this.mode = mode;
    this.#random = random;
    this.#listener = listener;
  }

  find(id: string): Run | null {
    return this.#runs.get(id) ?? null;
  }

  /** All runs of an API, newest first. */
  list(api: Api): readonly Run[] {
    if (!this.#listsSorted) {
      this.#lists.V1.sort(inListOrder);
      this.#lists.V2.sort(inListOrder);
      this.#listsSorted = true;
    }
    return this.#lists[api];
  }

  add(run: Run): void {
    this.#runs.set(run.id, run);
    this.#lists[run.api].push(run);
    this.#untold[run.api].add(run);
    this.#listsSorted = false;
  }

  runningV2(now: number): number {
    let running = 0;
    for (const run of this.#untold.V2) if (run.end === null || run.end.at > now) running += 1;
    return running;
  }

  /** Tells that a v2 run was created. `lateMs`: how late lists show it; null for a random time within the settings'. */
  tellCreated(
    run: Run,
    requestId: string | null,
    settings: Settings,
    lateMs: number | null,
    now: number,
  ): void {
    if (!settings.events) return;
    const id = requestId ?? `req_${token(this.#random, 14)}`;
    const visibleAt = lateMs === null ? run.created + this.#random() * settings.lateEventsMs : now + lateMs;
    this.#push(run, 'created', run.created, visibleAt, { id, idempotency_key: run.idempotencyKey }, null);
  }

  /** Tells the ends that have come since it was last asked. Ends are computed, not timed, so whoever reads asks first. */
  tellEnds(settings: Settings, now: number): void {
    for (const run of this.#untold.V1) {
      if (run.end === null || run.end.at > now) continue;
      this.#untold.V1.delete(run);
      if (settings.events) this.#listener(run, null);
    }
    for (const run of this.#untold.V2) {
      const end = run.end;
      if (end === null || end.at > now) continue;
      this.#untold.V2.delete(run);
      if (!settings.events) continue;
      const after: JsonObject =
        end.outcome === 'failed'
          ? {
              status: 'failed',
              status_details: { failed: { error_code: end.errorCode, error_message: end.error } },
            }
          : { status: 'succeeded' };
      const before =
        end.outcome === 'failed' ? { status: 'running', status_details: {} } : { status: 'running' };
      for (const word of ['updated', end.outcome] as const) {
        this.#push(run, word, end.at, end.at + this.#random() * settings.lateEventsMs, null, {
          before,
          after,
        });
      }
    }
  }

  /** All events, newest first, also those that are not visible yet. */
  events(): readonly RunEvent[] {
    if (!this.#eventsSorted) {
      this.#events.sort((a, b) => b.created - a.created || b.seq - a.seq);
      this.#eventsSorted = true;
    }
    return this.#events;
  }

  clear(): void {
    this.#runs.clear();
    this.#lists = { V1: [], V2: [] };
    this.#events = [];
    this.#untold.V1.clear();
    this.#untold.V2.clear();
  }

  #push(
    run: Run,
    word: EventWord,
    created: number,
    visibleAt: number,
    request: RunEvent['request'],
    changes: JsonObject | null,
  ): void {
    this.#eventCount += 1;
    const event: RunEvent = {
      id: `evt_${this.mode === 'test' ? 'test_' : ''}${token(this.#random, 24)}`,
      type: `v2.reporting.report_run.${word}`,
      created,
      visibleAt,
      seq: this.#eventCount,
      runId: run.id,
      request,
      changes,
    };
    this.#events.push(event);
    this.#eventsSorted = false;
    this.#listener(run, event);
  }
}
