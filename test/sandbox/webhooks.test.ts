import { createServer, type IncomingHttpHeaders } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Stripe } from 'stripe';
import { afterEach, describe, expect, test } from 'vitest';
import { until } from '../support/until.js';
import { items, type Json, start, text, V1_RUNS, V2_RUNS } from './support.js';

interface Received {
  readonly headers: IncomingHttpHeaders;
  readonly text: string;
  readonly body: Json;
}

const open: (() => void)[] = [];
afterEach(() => {
  for (const close of open.splice(0)) close();
});

/** Takes webhooks, and answers them with the statuses it is given, in turn; then with 200. */
async function receiver(...statuses: number[]) {
  const received: Received[] = [];
  const server = createServer((req, res) => {
    const chunks: Buffer[] = [];
    req.on('data', (chunk: Buffer) => chunks.push(chunk));
    req.on('end', () => {
      const sent = Buffer.concat(chunks).toString();
      received.push({ headers: req.headers, text: sent, body: JSON.parse(sent) as Json });
      const status = statuses.shift() ?? 200;
      if (status === 0) req.socket.destroy();
      else res.writeHead(status, status === 302 ? { location: '/elsewhere' } : {}).end();
    });
  });
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve);
  });
  open.push(() => {
    server.close();
    server.closeAllConnections();
  });
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/hook`, received };
}

type Control = Awaited<ReturnType<typeof start>>['control'];
const pending = async (control: Control) => Number((await control('GET', 'webhooks/deliveries'))['pending']);

const types = (received: readonly Received[]) => received.map(({ body }) => text(body['type']));

/** A sandbox with one destination for `acct_a`. */
async function hooked(payload: 'snapshot' | 'thin', options: object = {}, ...statuses: number[]) {
  const { url, received } = await receiver(...statuses);
  const sandbox = await start();
  const made = await sandbox.control('POST', 'webhooks', { url, payload, account: 'acct_a', ...options });
  return { ...sandbox, url, received, id: text(made['id']), secret: text(made['secret']) };
}

describe('a destination', () => {
  test('for snapshots is told of the end of a v1 run, with the run as it is, signed as the SDK wants it', async () => {
    const { clock, control, createV1, get, received, secret } = await hooked('snapshot');
    await control('POST', 'outcomes', { outcome: 'failed', error: 'Something broke.' });
    const id = text((await createV1()).body['id']);
    clock.now += 10_000;
    await until(() => received.length === 1);
    const sent = received[0]?.text ?? '';
    const signature = String(received[0]?.headers['stripe-signature']);
    const event = Stripe.webhooks.constructEvent(sent, signature, secret, 300, undefined, clock.now);
    expect(event).toMatchObject({
      id: expect.stringMatching(/^evt_1/),
      object: 'event',
      type: 'reporting.report_run.failed',
      livemode: false,
      data: { object: { ...(await get(`${V1_RUNS}/${id}`)).body, error: 'Something broke.' } },
    });
    expect(received[0]?.headers['content-type']).toContain('application/json');
    expect(() => Stripe.webhooks.constructEvent(`${sent} `, signature, secret, 0)).toThrow(/signature/);
  });

  test('for thin events is told of each event of a v2 run, without what the run is like', async () => {
    const { clock, createV2, get, received, secret } = await hooked('thin');
    const id = text((await createV2()).body['id']);
    clock.now += 10_000;
    await until(() => received.length === 3);
    expect(types(received)).toEqual(
      ['created', 'updated', 'succeeded'].map((word) => `v2.reporting.report_run.${word}`),
    );
    const last = received.at(-1);
    const signature = String(last?.headers['stripe-signature']);
    expect(
      Stripe.webhooks.signature?.verifyHeader(last?.text ?? '', signature, secret, 300, undefined, clock.now),
    ).toBe(true);
    expect(last?.body).toMatchObject({
      object: 'v2.core.event',
      livemode: false,
      related_object: { id, type: 'v2.reporting.report_run', url: `${V2_RUNS}/${id}` },
    });
    const listed = await get(`/v2/core/events/${text(last?.body['id'])}`);
    expect(listed.body['type']).toEqual(last?.body['type']);
  });

  test('is told nothing that happened before it was made, nor of other accounts and modes', async () => {
    const sandbox = await start();
    await sandbox.control('POST', 'runs', { account: 'acct_a', api: 'V1', count: 3 });
    const { url, received } = await receiver();
    await sandbox.control('POST', 'webhooks', { url, payload: 'snapshot', account: 'acct_a' });
    for (const place of [{ account: 'acct_b' }, { account: 'acct_a', mode: 'live' }])
      await sandbox.control('POST', 'runs', { ...place, api: 'V1', count: 1 });
    await sandbox.control('POST', 'runs', { account: 'acct_a', api: 'V1', count: 1, status: 'failed' });
    await until(() => received.length > 0);
    expect(types(received)).toEqual(['reporting.report_run.failed']);
  });

  test('gets the types it asked for, and report types only where it names them', async () => {
    const named = ['reporting.report_type.updated'];
    const { clock, control, received, url } = await hooked('snapshot', { events: named });
    await control('POST', 'webhooks', { url, payload: 'snapshot', account: 'acct_a' });
    await control('POST', 'runs', { account: 'acct_a', api: 'V1', count: 1 });
    await until(() => received.length === 1);
    clock.now += 12 * 3_600_000;
    await until(() => received.length > 1);
    await until(async () => (await pending(control)) === 0);
    const [, ...updates] = received;
    expect(updates.length).toBeGreaterThan(60);
    expect(new Set(types(updates))).toEqual(new Set(named));
    expect(updates[0]?.body['data']?.['object']).toMatchObject({
      object: 'reporting.report_type',
      data_available_end: Date.UTC(2026, 4, 21) / 1000,
    });
    received.length = 0;
    await control('POST', 'report_types/updated', { account: 'acct_a', type: 'balance.summary.1' });
    await until(() => received.length === 1);
    expect(received[0]?.body['data']?.['object']?.['id']).toBe('balance.summary.1');
  });

  test('answers a ping like any event', async () => {
    const { control, id, received } = await hooked('thin');
    const { event } = await control('POST', `webhooks/${id}/ping`);
    await until(() => received.length === 1);
    expect(received[0]?.body).toMatchObject({
      id: event,
      object: 'v2.core.event',
      type: 'v2.core.event_destination.ping',
      related_object: { id, type: 'v2.core.event_destination' },
    });
  });

  test('is listed without its secret until it is taken away', async () => {
    const { control, id, received, url } = await hooked('thin', { secret: 'whsec_mine', mode: 'live' });
    const shown = { id, url, payload: 'thin', account: 'acct_a', mode: 'live', events: expect.anything() };
    expect(await control('GET', 'webhooks')).toEqual({ webhooks: [shown] });
    await control('DELETE', `webhooks/${id}`);
    expect(await control('GET', 'webhooks')).toEqual({ webhooks: [] });
    await control('POST', 'runs', { account: 'acct_a', mode: 'live', api: 'V2', count: 1 });
    await expect(control('POST', `webhooks/${id}/ping`)).rejects.toThrow('404');
    expect(received).toEqual([]);
  });

  test.each([
    [{ url: 'ftp://x', payload: 'thin' }, "'url' must be"],
    [{ url: 'http://x', payload: 'fat' }, "'payload' must be"],
    [{ url: 'http://x', payload: 'thin', events: ['reporting.report_run.failed'] }, "'events' of a thin"],
    [{ url: 'http://x', payload: 'thin', events: [1] }, "'events' must be"],
    [{ payload: 'thin' }, "'url' is required"],
  ])('%j is refused', async (body, problem) => {
    const { control } = await start();
    await expect(control('POST', 'webhooks', body)).rejects.toThrow(problem);
  });
});

describe('a delivery', () => {
  const deliveries = async (control: Control) =>
    items((await control('GET', 'webhooks/deliveries'))['deliveries']);

  test('that is not answered with 2xx is repeated, ever later, with a signature of its time; each attempt is logged', async () => {
    const { clock, control, id, received } = await hooked('thin', {}, 500, 0, 302, 204);
    await control('POST', `webhooks/${id}/ping`);
    for (const [sent, pause] of [1000, 2000, 4000].entries()) {
      await until(async () => (await deliveries(control)).length === sent + 1);
      clock.now += pause - 1;
      await new Promise((resolve) => setTimeout(resolve, 50));
      expect(received).toHaveLength(sent + 1);
      clock.now += 1;
    }
    await until(async () => (await deliveries(control)).length === 4);
    const logged = await deliveries(control);
    expect(logged.map(({ attempt, status }) => [attempt, status])).toEqual([
      [1, 500],
      [2, 0],
      [3, 302],
      [4, 204],
    ]);
    expect(logged[3]).toMatchObject({ webhook: id, object: id, ms: expect.any(Number) });
    expect(new Set(received.map(({ headers }) => headers['stripe-signature'])).size).toBe(4);
    expect(new Set(received.map(({ body }) => text(body['id']))).size).toBe(1);
    expect(await pending(control)).toBe(0);
    await control('DELETE', 'webhooks/deliveries');
    expect(await deliveries(control)).toEqual([]);
  });

  test('is given up after the repetitions that the settings say', async () => {
    const { control, id, received } = await hooked('thin', {}, 500, 500, 500);
    await control('POST', 'settings', { webhookRetries: 1, webhookRetryMs: 0 });
    await control('POST', `webhooks/${id}/ping`);
    await until(() => received.length === 2);
    await until(async () => (await pending(control)) === 0);
    expect(received).toHaveLength(2);
  });

  test('can come late, several times, or not at all', async () => {
    const { clock, control, id, received } = await hooked('thin');
    await control('POST', 'settings', { webhookCopies: 3, webhookDelayMs: 5000 });
    await control('POST', `webhooks/${id}/ping`);
    clock.now += 4999;
    await new Promise((resolve) => setTimeout(resolve, 50));
    expect(received).toEqual([]);
    clock.now += 1;
    await until(() => received.length === 3);
    await control('POST', 'settings', { webhookCopies: 1, webhookDelayMs: 0, webhookDrop: 1 });
    await control('POST', `webhooks/${id}/ping`);
    expect((await deliveries(control)).at(-1)).toMatchObject({ status: null, ms: null });
    expect(received).toHaveLength(3);
  });

  test('can overtake another', async () => {
    const { clock, control, received } = await hooked('thin');
    await control('POST', 'settings', { webhookShuffleMs: 60_000 });
    await control('POST', 'runs', { account: 'acct_a', api: 'V2', count: 20, status: 'succeeded' });
    while (received.length < 60) {
      clock.now += 5000;
      await new Promise((resolve) => setTimeout(resolve, 25));
    }
    const happened = received.map(({ body }) => text(body['type']));
    const first = happened.findIndex((type) => type.endsWith('.succeeded'));
    expect(happened.slice(first).some((type) => type.endsWith('.created'))).toBe(true);
  });

  test('tells nothing while events are switched off', async () => {
    const { control, received } = await hooked('snapshot');
    await control('POST', 'settings', { events: false });
    await control('POST', 'runs', { account: 'acct_a', api: 'V1', count: 2 });
    await control('POST', 'settings', { events: true });
    await control('POST', 'runs', { account: 'acct_a', api: 'V1', count: 1, status: 'failed' });
    await until(() => received.length === 1);
    expect(types(received)).toEqual(['reporting.report_run.failed']);
  });
});
