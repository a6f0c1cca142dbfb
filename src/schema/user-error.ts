import type { UserError } from '../models/create-report-run.js';
import { builder } from './builder.js';

type Kind = UserError['kind'];

const DESCRIPTIONS = {
  InvalidInput: 'A value that Stripe or the gateway refuses. Nothing was started.',
  LiveModeRequired: 'The report type exists for live data only, and the gateway runs with a test key.',
  ConcurrentRunLimit:
    'Stripe lets this key run no more reports at once. Nothing was started: try again when one of them has ended, or let the mutation wait with `waitForSlot`.',
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

for (const kind of ['InvalidInput', 'LiveModeRequired', 'IdempotencyConflict'] as const) {
  builder.objectType(`${kind}Error`, { description: DESCRIPTIONS[kind], interfaces: ['UserError'] });
}

builder.objectType('ConcurrentRunLimitError', {
  description: DESCRIPTIONS.ConcurrentRunLimit,
  interfaces: ['UserError'],
  fields: (t) => ({
    runsInProgress: t.exposeInt('runsInProgress', {
      description:
        'How many v2 runs the gateway knows to be running. Those of other keys of the account count too.',
    }),
  }),
});
