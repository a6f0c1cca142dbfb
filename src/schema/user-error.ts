import type { UserError } from '../models/create-report-run.js';
import { builder } from './builder.js';

type Kind = UserError['kind'];

const DESCRIPTIONS = {
  InvalidInput: 'A value that Stripe or the gateway refuses. Nothing was started.',
  LiveModeRequired: 'The report type exists for live data only, and the gateway runs with a test key.',
  ConcurrentRunLimit:
    'Stripe lets this key run no more reports at once. Try again when one of them has ended.',
  IdempotencyConflict:
    'The idempotency key was used before, with another input. Take a new key, or the old input.',
} as const satisfies Record<Kind, string>;

builder.interfaceType('UserError', {
  description: 'Something the caller can correct.',
  resolveType: ({ kind }) => `${kind}Error`,
  fields: (t) => ({
    message: t.exposeString('message', { description: 'A sentence that can be shown to a person.' }),
    path: t.exposeStringList('path', {
      nullable: true,
      description:
        'The names that lead to the value inside `input`, such as `["v1", "parameters", "intervalEnd"]`. Null if it is about no single value.',
    }),
  }),
});

for (const kind of [
  'InvalidInput',
  'LiveModeRequired',
  'ConcurrentRunLimit',
  'IdempotencyConflict',
] as const) {
  builder.objectType(`${kind}Error`, { description: DESCRIPTIONS[kind], interfaces: ['UserError'] });
}
