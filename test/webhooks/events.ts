import { Stripe } from 'stripe';

export const SECRET = 'whsec_test_snapshots';
export const OTHER_SECRET = 'whsec_test_thin';

/** A v1 event as Stripe posts it. The run in it is a lie: nothing in it may be believed but its id. */
export function snapshot(id: string, type = 'reporting.report_run.succeeded', more: object = {}): string {
  return JSON.stringify({
    id: 'evt_1Snapshot',
    object: 'event',
    api_version: '2026-10-28.endive',
    created: Math.floor(Date.now() / 1000),
    data: { object: { id, object: 'reporting.report_run', status: 'succeeded', result: null } },
    livemode: false,
    pending_webhooks: 1,
    request: { id: null, idempotency_key: null },
    type,
    ...more,
  });
}

/** A v2 event as Stripe posts it. */
export function thin(id: string, word = 'succeeded', more: object = {}): string {
  return JSON.stringify({
    id: 'evt_test_Thin',
    object: 'v2.core.event',
    created: new Date().toISOString(),
    livemode: false,
    reason: null,
    related_object: { id, type: 'v2.reporting.report_run', url: `/v2/reporting/report_runs/${id}` },
    type: `v2.reporting.report_run.${word}`,
    ...more,
  });
}

/** Signed by the SDK, now unless told otherwise (unix seconds). */
export function sign(payload: string, secret = SECRET, timestamp = Math.floor(Date.now() / 1000)): string {
  return Stripe.webhooks.generateTestHeaderString({ payload, secret, timestamp });
}

/** An event that says how a run ended, in the payload of its API. */
export const ended = (api: string, id: string, word = 'succeeded', more: object = {}): string =>
  api === 'V1' ? snapshot(id, `reporting.report_run.${word}`, more) : thin(id, word, more);
