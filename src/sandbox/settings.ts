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
  /** Whether what happens is told, in v2 events and to webhooks. */
  readonly events: boolean;
  /** How late an event is posted to webhooks, ms. */
  readonly webhookDelayMs: number;
  /** At most so much later still, ms, by chance: events come in another order than they happened. */
  readonly webhookShuffleMs: number;
  /** How often each event is posted. */
  readonly webhookCopies: number;
  /** Which part of the events is lost, 0 to 1. */
  readonly webhookDrop: number;
  /** How often an event that was not answered with 2xx is posted again. */
  readonly webhookRetries: number;
  /** The pause before the first repetition, ms; each next one is twice as long. */
  readonly webhookRetryMs: number;
  /** Whether files are sent in parts where `Range` asks for one. */
  readonly ranges: boolean;
}

export function defaultSettings(runSeconds: number): Settings {
  return {
    limits: true,
    lateRunsMs: 1000,
    lateEventsMs: 2000,
    v2ConcurrentRuns: 5,
    runSeconds,
    events: true,
    webhookDelayMs: 0,
    webhookShuffleMs: 0,
    webhookCopies: 1,
    webhookDrop: 0,
    webhookRetries: 5,
    webhookRetryMs: 1000,
    ranges: true,
  };
}
