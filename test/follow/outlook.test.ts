import { describe, expect, onTestFinished, test } from 'vitest';
import type { ReportRun } from '../../src/models/report-run.js';
import { systemClock } from '../../src/watch/clock.js';
import { Outlooks } from '../../src/watch/outlooks.js';
import { seen, T0, testLedger, type TestLedger } from '../ledger/support.js';
import { startTestGateway } from '../support/gateway.js';
import { startTestSandbox } from '../support/sandbox.js';
import { until } from '../support/until.js';

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;

/** A ledger that counts how often it was asked, and what is learned from it, on a clock that the test moves. */
async function learning(): Promise<{ ledger: TestLedger; outlooks: Outlooks; asked: () => number }> {
  const ledger = await testLedger();
  let asked = 0;
  const counted: Pick<TestLedger, 'durations'> = {
    durations(type, limit) {
      asked += 1;
      return ledger.durations(type, limit);
    },
  };
  const clock = systemClock(() => ledger.clock.now);
  return { ledger, outlooks: new Outlooks({ ledger: counted, clock }), asked: () => asked };
}

/** Ended v1 runs that took so many minutes, an hour apart, the last one an hour before T0. */
async function took(ledger: TestLedger, minutes: readonly number[], more: object = {}): Promise<void> {
  for (const [index, length] of minutes.entries()) {
    const created = T0 - (minutes.length - index) * HOUR;
    const finished = created + length * MINUTE;
    await ledger.runs.observe([
      seen(`frr_${minutes.length}_${index}`, 'SUCCEEDED', { created, finished, ...more }),
    ]);
  }
}

function running(id = 'frr_running', more: object = {}): ReportRun {
  const item = seen(id, 'RUNNING', { created: T0, ...more });
  if ('unreadable' in item) throw new Error('The run should be readable.');
  return item.run;
}

describe('what is to be expected of a running run', () => {
  test('three out of four runs of its type ended by then, known from the fifth success on', async () => {
    const { ledger, outlooks } = await learning();
    await took(ledger, [1, 2, 3, 4]);
    expect(await outlooks.of(running())).toEqual({ expectedAt: null, isStalled: false });
    await took(ledger, [1, 2, 3, 4, 5, 6, 7, 8]);
    ledger.clock.now += MINUTE + 1;
    // Twelve are known: 1 1 2 2 3 3 4 4 5 6 7 8.
    expect((await outlooks.of(running())).expectedAt).toBe(T0 + 5 * MINUTE);
    expect((await outlooks.of(running('reprun_other', { type: 'report_a' }))).expectedAt).toBeNull();
  });

  test('a run that has ended is not expected any more, and costs no question', async () => {
    const { outlooks, asked } = await learning();
    const ended = { ...running(), status: 'SUCCEEDED' } as const;
    expect(await outlooks.of(ended)).toEqual({ expectedAt: null, isStalled: false });
    expect(asked()).toBe(0);
  });

  test('failures, and ends that only the gateway saw, teach nothing', async () => {
    const { ledger, outlooks } = await learning();
    for (let index = 0; index < 10; index += 1) {
      const created = T0 - index * HOUR;
      await ledger.runs.observe([
        seen(`frr_failed_${index}`, 'FAILED', { created, finished: created + 1 }),
        seen(`reprun_${index}`, 'RUNNING', { created, type: 'report_a' }),
      ]);
    }
    // The gateway was away for days; nothing tells when these runs ended.
    ledger.clock.now = T0 + 72 * HOUR;
    for (let index = 0; index < 10; index += 1) {
      const created = T0 - index * HOUR;
      await ledger.runs.observe([seen(`reprun_${index}`, 'SUCCEEDED', { created, type: 'report_a' })]);
    }
    const nothing = { expectedAt: null, isStalled: false };
    const now = { created: ledger.clock.now };
    expect(await outlooks.of(running('frr_running', now))).toEqual(nothing);
    expect(await outlooks.of(running('reprun_running', { ...now, type: 'report_a' }))).toEqual(nothing);
  });

  test('v2 learns from when events say that runs ended', async () => {
    const { ledger, outlooks } = await learning();
    for (let index = 0; index < 5; index += 1) {
      const id = `reprun_${index}`;
      await ledger.runs.observe([seen(id, 'SUCCEEDED', { created: T0, type: 'report_a' })], {
        endedAt: new Map([[id, T0 + 7 * MINUTE]]),
      });
    }
    const { expectedAt } = await outlooks.of(running('reprun_running', { type: 'report_a' }));
    expect(expectedAt).toBe(T0 + 7 * MINUTE);
  });

  test('a run is stalled after three times what nearly all took, ten minutes at least, three hours where none are known', async () => {
    const ledger = await testLedger();
    const stalledAt = async (age: number): Promise<boolean> => {
      const outlooks = new Outlooks({ ledger, clock: systemClock(() => T0 + age) });
      return (await outlooks.of(running())).isStalled;
    };
    expect(await stalledAt(3 * HOUR)).toBe(false);
    expect(await stalledAt(3 * HOUR + 1)).toBe(true);
    await took(ledger, [1, 1, 1, 1, 2]);
    expect(await stalledAt(4 * HOUR + 10 * MINUTE)).toBe(true);
    expect(await stalledAt(10 * MINUTE)).toBe(false);
    expect(await stalledAt(10 * MINUTE + 1)).toBe(true);
    await took(ledger, [8, 8, 8, 8, 8, 8, 8]);
    expect(await stalledAt(24 * MINUTE)).toBe(false);
    expect(await stalledAt(24 * MINUTE + 1)).toBe(true);
  });

  test('a type is looked up once a minute, however many of its runs are shown', async () => {
    const { ledger, outlooks, asked } = await learning();
    const runs = Array.from({ length: 100 }, (_, index) => running(`frr_${index}`));
    await Promise.all(runs.map((run) => outlooks.of(run)));
    ledger.clock.now += MINUTE - 1;
    await Promise.all(runs.map((run) => outlooks.of(run)));
    expect(asked()).toBe(1);
    ledger.clock.now += 2;
    await Promise.all(runs.map((run) => outlooks.of(run)));
    expect(asked()).toBe(2);
  });
});

test('lists and look-ups show when runs are expected and which have stalled', async () => {
  const sandbox = await startTestSandbox({ seed: false });
  onTestFinished(() => sandbox.close());
  const account = 'acct_outlook';
  const make = (body: object): Promise<unknown> => sandbox.control('POST', 'runs', { account, ...body });
  const now = Date.now();
  await make({ api: 'V1', count: 8, createdAt: now - 86_400_000, endsAfterSeconds: 120 });
  await make({ api: 'V1', count: 1, status: 'pending', createdAt: now - HOUR });
  await make({ api: 'V1', count: 1, status: 'pending', createdAt: now });
  const gateway = await startTestGateway({ upstream: sandbox.origin, apiKey: 'sk_test_outlook' });
  onTestFinished(() => gateway.close());
  interface Node {
    readonly status: string;
    readonly createdAt: string;
    readonly expectedAt: string | null;
    readonly isStalled: boolean;
  }
  let nodes: readonly Node[] = [];
  await until(async () => {
    const { data } = await gateway.query<{ reportRuns: { nodes: Node[] } }>(
      '{ reportRuns { nodes { status createdAt expectedAt isStalled } } }',
    );
    nodes = data?.reportRuns.nodes ?? [];
    return nodes.length === 10;
  });
  const [fresh, stalled, ...ended] = nodes;
  const lasted = (node: Node | undefined): number =>
    Date.parse(node?.expectedAt ?? '') - Date.parse(node?.createdAt ?? '');
  expect(lasted(fresh)).toBe(120_000);
  expect(lasted(stalled)).toBe(120_000);
  expect(nodes.map(({ isStalled }) => isStalled)).toEqual([false, true, ...ended.map(() => false)]);
  expect(ended.map(({ expectedAt }) => expectedAt)).toEqual(ended.map(() => null));
});
