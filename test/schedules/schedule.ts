import * as fc from 'fast-check';
import type { StripeApi } from '../../src/models/report-run.js';

/** Something that happens, so many virtual ms after what came before. Numbers name things by their place, modulo how many there are. */
export type Step = { readonly after: number } & (
  | {
      readonly kind: 'create';
      readonly api: StripeApi;
      readonly instance: number;
      readonly key: number | null;
    }
  /** A run that somebody else starts at Stripe. */
  | { readonly kind: 'foreign'; readonly api: StripeApi }
  | { readonly kind: 'end'; readonly run: number; readonly outcome: 'succeeded' | 'failed' }
  | { readonly kind: 'subscribe'; readonly run: number; readonly instance: number }
  | { readonly kind: 'read'; readonly run: number; readonly instance: number }
  | { readonly kind: 'list'; readonly instance: number }
  /** A webhook of a run's end, true or not, as often as it comes. */
  | {
      readonly kind: 'webhook';
      readonly run: number;
      readonly instance: number;
      readonly times: number;
    }
  | {
      readonly kind: 'fault';
      readonly fault: FaultKind;
      readonly method: 'GET' | 'POST';
      readonly times: number;
    }
  /** SIGKILL: nothing the instance has begun goes on. Another one takes its place. */
  | { readonly kind: 'kill'; readonly instance: number }
);

/** How requests fail: with an error before or after their effect, or lost on one of the two ways. */
export type FaultKind = 'before' | 'after' | 'conflict' | 'limited' | 'lost-request' | 'lost-answer';

const api = fc.constantFrom<StripeApi>('V1', 'V2');
const instance = fc.nat(1);
const run = fc.nat(7);
const after = fc.oneof(fc.nat(50), fc.nat(3_000), fc.nat(30_000));

const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({
      kind: fc.constant('create' as const),
      after,
      api,
      instance,
      key: fc.option(fc.nat(2)),
    }),
  },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('foreign' as const), after, api }) },
  {
    weight: 4,
    arbitrary: fc.record({
      kind: fc.constant('end' as const),
      after,
      run,
      outcome: fc.constantFrom('succeeded' as const, 'failed' as const),
    }),
  },
  { weight: 4, arbitrary: fc.record({ kind: fc.constant('subscribe' as const), after, run, instance }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('read' as const), after, run, instance }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('list' as const), after, instance }) },
  {
    weight: 2,
    arbitrary: fc.record({
      kind: fc.constant('webhook' as const),
      after,
      run,
      instance,
      times: fc.integer({ min: 1, max: 3 }),
    }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      kind: fc.constant('fault' as const),
      after,
      fault: fc.constantFrom<FaultKind>(
        'before',
        'after',
        'conflict',
        'limited',
        'lost-request',
        'lost-answer',
      ),
      method: fc.constantFrom('GET' as const, 'POST' as const),
      times: fc.integer({ min: 1, max: 3 }),
    }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('kill' as const), after, instance }) },
);

export const schedule = fc.array(step, { minLength: 3, maxLength: 16 });
