import { Writable } from 'node:stream';
import { pino } from 'pino';
import { expect, test } from 'vitest';
import { Deliveries } from '../../src/watch/deliveries.js';
import { ACCOUNT, testLedger } from '../ledger/support.js';
import { until } from '../support/until.js';
import { ended } from './events.js';
import { pathOf, post, setUp } from './support.js';

/** More than Stripe allows in ten seconds. */
const MANY = 200;
/** What is read of them in more than one tick. */
const SOME = 30;

interface Shown {
  readonly reportRuns: { readonly nodes: readonly unknown[] };
}

test.each(['V1', 'V2'])(
  'many webhooks at once, of %s runs that the gateway did not know, are worked off bit by bit, and Stripe is not taken for down',
  async (api) => {
    let log = '';
    const logTo = new Writable({
      write(chunk, _encoding, done) {
        log += String(chunk);
        done();
      },
    });
    const setup = await setUp({ logTo });
    // Neither lists nor events show them.
    await setup.sandbox.control('POST', 'settings', { events: false });
    const ids = await setup.make({ api, count: MANY, status: 'failed', lateMs: 3_600_000 });
    await setup.sandbox.control('POST', 'settings', { limits: true });
    const answers = await Promise.all(ids.map((id) => post(setup, ended(api, id, 'failed'))));
    expect(new Set(answers)).toEqual(new Set([200]));
    const list = await setup.gateway.query<Shown>('{ reportRuns { nodes { id } } }');
    expect(list.errors).toBeUndefined();
    expect(list.extensions).toMatchObject({ upstream: { V1: { state: 'READY' }, V2: { state: 'READY' } } });
    const paths = new Set(ids.map(pathOf));
    await until(async () => {
      const answered = (await setup.sandbox.requests()).filter(({ status }) => status === 200);
      return answered.filter(({ path }) => paths.has(path)).length >= SOME;
    });
    expect((await setup.sandbox.requests()).filter(({ status }) => status === 429)).toEqual([]);
    expect(log).not.toContain('could not be refreshed');
    // The others are known, and read later.
    const known = new Set((await setup.rows()).map(({ id }) => id));
    expect(ids.filter((id) => !known.has(id))).toEqual([]);
  },
);

test('webhooks that come while others are written go into one transaction', async () => {
  const ledger = await testLedger();
  const written: number[] = [];
  const asked: string[] = [];
  const runs: typeof ledger.runs = {
    ...ledger.runs,
    note: async (api, notes) => {
      written.push(notes.length);
      await ledger.runs.note(api, notes);
    },
  };
  const feed = {
    want: ({ ids = [] }: { ids?: Iterable<string> }) => Promise.resolve(void asked.push(...ids)),
  };
  const deliveries = new Deliveries({
    account: ACCOUNT,
    ledger: { ...ledger, runs },
    feeds: { V1: feed, V2: feed },
    log: pino({ level: 'silent' }),
  });
  const ids = Array.from({ length: MANY }, (_, index) => `frr_${index}`);
  await Promise.all(
    ids.map((id) =>
      deliveries.take({
        id: `evt_${id}`,
        type: 'reporting.report_run.failed',
        news: {
          account: null,
          livemode: false,
          subject: { kind: 'run', api: 'V1', id, createdAt: null, endedAt: 1, upstreamKey: null },
        },
      }),
    ),
  );
  expect(written).toEqual([MANY]);
  expect(asked).toEqual(ids);
  expect(await ledger.runs.unread('V1', MANY)).toHaveLength(MANY);
});
