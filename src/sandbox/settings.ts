/** What the control endpoint can change while the sandbox runs. */
export interface Settings {
  /** Whether requests are limited per second. */
  readonly limits: boolean;
  /** A new v1 run appears in lists at most this much later, ms. */
  readonly lateRunsMs: number;
  /** An event appears at most this much later, ms. */
  readonly lateEventsMs: number;
  /** How many v2 runs may run at once. */
  readonly v2ConcurrentRuns: number;
  /** How long a run takes, give or take a fifth. */
  readonly runSeconds: number;
  /** Whether what happens is told in v2 events. */
  readonly events: boolean;
}

export function defaultSettings(runSeconds: number): Settings {
  return {
    limits: true,
    lateRunsMs: 1000,
    lateEventsMs: 2000,
    v2ConcurrentRuns: 5,
    runSeconds,
    events: true,
  };
}
