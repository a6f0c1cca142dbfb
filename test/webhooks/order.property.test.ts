import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { ended, thin } from './events.js';
import { post, setUp, type Setup, settled } from './support.js';

interface Plan {
  readonly api: 'V1' | 'V2';
  readonly outcome: 'succeeded' | 'failed';
}

/** One thing that happens: a run (by its place in the plan) ends, or one of its events is delivered. */
interface Step {
  readonly run: number;
  readonly what: 'end' | 'created' | 'updated' | 'ended';
  /** With the next step, rather than before it. */
  readonly together: boolean;
}

interface Shown {
  readonly id: string;
  readonly status: string;
  readonly finishedAt: string | null;
}

const plans = fc.array(
  fc.record({
    api: fc.constantFrom('V1' as const, 'V2' as const),
    outcome: fc.constantFrom('succeeded' as const, 'failed' as const),
  }),
  { minLength: 1, maxLength: 4 },
);

/** Every event of a run may come early, late, several times or not at all. */
const story = plans.chain((runs) =>
  fc.record({
    runs: fc.constant(runs),
    steps: fc.array(
      fc.record({
        run: fc.nat({ max: runs.length - 1 }),
        what: fc.constantFrom<Step['what'][]>('end', 'created', 'updated', 'ended', 'ended'),
        together: fc.boolean(),
      }),
      { maxLength: 14 },
    ),
  }),
);

/** Acts a story out; gives the runs as the gateway then shows them, in the order of the plan, and when they ended, in s. */
async function act(setup: Setup, runs: readonly Plan[], steps: readonly Step[]) {
  const ids: string[] = [];
  for (const { api } of runs) ids.push(...(await setup.make({ api })));
  const ends = new Map<string, number>();
  const end = async (run: number): Promise<void> => {
    const [id, plan] = [ids[run], runs[run]];
    if (id === undefined || plan === undefined || ends.has(id)) return;
    ends.set(id, Math.floor(Date.now() / 1000));
    await setup.sandbox.control('POST', `runs/${id}/finish`, { outcome: plan.outcome });
  };
  const deliver = async ({ run, what }: Step): Promise<void> => {
    const [id = '', plan] = [ids[run], runs[run]];
    // v1 has no event but the end, and nobody tells of an end before it has come.
    if (what === 'ended' || plan?.api === 'V1') await end(run);
    const seconds = ends.get(id) ?? Math.floor(Date.now() / 1000);
    const created = plan?.api === 'V1' ? seconds : new Date(seconds * 1000).toISOString();
    const isEnd = what === 'ended' || plan?.api === 'V1';
    const word = isEnd ? (plan?.outcome ?? '') : what;
    const body = isEnd ? ended(plan?.api ?? '', id, word, { created }) : thin(id, word);
    expect(await post(setup, body)).toBe(200);
  };
  let underWay: Promise<void>[] = [];
  for (const step of steps) {
    underWay.push(step.what === 'end' ? end(step.run) : deliver(step));
    if (step.together) continue;
    await Promise.all(underWay);
    underWay = [];
  }
  await Promise.all(underWay);
  for (const run of runs.keys()) await end(run);
  return { ids, ends };
}

const NODES = 'query ($ids: [ID!]!) { nodes(ids: $ids) { ... on ReportRun { id status finishedAt } } }';

test('whatever order events come in, however often, and whichever are lost, every run ends as it is, once', async () => {
  const setup = await setUp();
  const all: string[] = [];
  await fc.assert(
    fc.asyncProperty(story, async ({ runs, steps }) => {
      const { ids, ends } = await act(setup, runs, steps);
      all.push(...ids);
      // Whatever the events have started is over: what is read now was not seen by an earlier look.
      await settled(setup.sandbox, 60);
      await new Promise((resolve) => setTimeout(resolve, 1_010));
      const { data } = await setup.gateway.query<{ nodes: (Shown | null)[] }>(NODES, { ids });
      expect(data?.nodes.map((node) => node?.status)).toEqual(
        runs.map(({ outcome }) => outcome.toUpperCase()),
      );
      const told = steps.filter(
        ({ run, what }) => what === 'ended' || (runs[run]?.api === 'V1' && what !== 'end'),
      );
      for (const { run } of told) {
        // The event's time, or what Stripe itself says: not when the gateway came to look.
        const off = Date.parse(data?.nodes[run]?.finishedAt ?? '') - (ends.get(ids[run] ?? '') ?? 0) * 1000;
        expect(Math.abs(off)).toBeLessThanOrEqual(1000);
      }
    }),
    { numRuns: 12, endOnFailure: true },
  );
  const rows = await setup.rows();
  expect(rows.map(({ id }) => id).sort()).toEqual([...all].sort());
  // RUNNING where that was seen, and the end.
  for (const { status, version } of rows) {
    expect(status).not.toBe('RUNNING');
    expect([1, 2]).toContain(version);
  }
});
