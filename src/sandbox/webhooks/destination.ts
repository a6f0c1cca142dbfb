import { token } from '../random.js';
import type { Mode } from '../run.js';
import { tellEnds } from '../world.js';
import type { World } from '../world.js';

export const PAYLOADS = ['snapshot', 'thin'] as const;

/** Whether events carry their object as it was (v1's), or only its id (v2's). */
export type Payload = (typeof PAYLOADS)[number];

/** The types there are, of each payload. */
export const EVENT_TYPES: Readonly<Record<Payload, readonly string[]>> = {
  snapshot: [
    'reporting.report_run.succeeded',
    'reporting.report_run.failed',
    'reporting.report_type.updated',
  ],
  thin: ['created', 'updated', 'succeeded', 'failed'].map((word) => `v2.reporting.report_run.${word}`),
};

/** Never among "all events": a destination has to ask for it by its name. */
const ONLY_IF_NAMED = 'reporting.report_type.updated';

/** Where the events of one account and mode are posted to. */
export interface Destination {
  readonly id: string;
  readonly url: string;
  readonly payload: Payload;
  /** Signs what is posted. */
  readonly secret: string;
  readonly events: readonly string[];
  readonly account: string;
  readonly mode: Mode;
}

/** What whoever makes a destination may leave open: null. */
type NewDestination = Omit<Destination, 'id' | 'secret' | 'events'> & {
  readonly secret: string | null;
  readonly events: readonly string[] | null;
};

/** Makes a destination for what happens from now on. */
export function addDestination(world: World, wanted: NewDestination): Destination {
  const prefix = wanted.payload === 'snapshot' ? 'we_1' : `ed_${wanted.mode === 'test' ? 'test_' : ''}`;
  const destination: Destination = {
    ...wanted,
    id: `${prefix}${token(world.random, 23)}`,
    secret: wanted.secret ?? `whsec_${token(world.random, 32)}`,
    events: wanted.events ?? EVENT_TYPES[wanted.payload].filter((type) => type !== ONLY_IF_NAMED),
  };
  // What has ended until now is not for it.
  tellEnds(world);
  world.webhooks.add(destination);
  return destination;
}
