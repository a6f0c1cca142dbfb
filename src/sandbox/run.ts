import type { Content } from './files/content.js';
import type { JsonObject } from './json.js';

export type Api = 'V1' | 'V2';
export type Mode = 'test' | 'live';
export type Outcome = 'succeeded' | 'failed';

/** When and how a run ends. All times here are unix milliseconds. */
export interface RunEnd {
  readonly at: number;
  readonly outcome: Outcome;
  /** Only said by a run that failed. */
  readonly error: string;
  /** v2 only: v1 has no codes. */
  readonly errorCode: string;
}

export interface Run {
  readonly id: string;
  readonly api: Api;
  readonly mode: Mode;
  /** v1: the report type; v2: the report. */
  readonly type: string;
  readonly parameters: JsonObject;
  /** v2 only. */
  readonly compress: boolean | null;
  /** In v1 a whole second. */
  readonly created: number;
  /** The order of runs of one moment: a random number, so that it follows neither time nor id. */
  readonly tie: number;
  /** v1 lists do not show the run before. */
  readonly visibleAt: number;
  readonly idempotencyKey: string | null;
  /** Null: it runs until it is told to finish. */
  end: RunEnd | null;
  /** Merged over every answer that shows the run. */
  overlay: JsonObject | null;
  /** Bytes of its file, once somebody asked. */
  size: number | null;
  /** The file it was given; null where it has the one that is made from the run. */
  given: GivenFile | null;
}

export interface GivenFile {
  readonly content: Content;
  readonly type: FileType;
}

export type FileType = 'csv' | 'zip';

export function fileTypeOf(run: Run): FileType {
  return run.given?.type ?? (run.compress === true ? 'zip' : 'csv');
}

/** v1 calls `running` "pending". */
export function statusOf(run: Run, now: number): 'running' | Outcome {
  return run.end !== null && run.end.at <= now ? run.end.outcome : 'running';
}

/** The order of lists: newest first, and within one moment (in v1: one second) by chance. */
export function inListOrder(a: Run, b: Run): number {
  return b.created - a.created || b.tie - a.tie;
}

/** Puts a run's overlay over one of its answers. */
export function overlaid(run: Run, shown: JsonObject): JsonObject {
  return run.overlay === null ? shown : { ...shown, ...run.overlay };
}
