import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { ENDPOINT, openBudgets, WAIT_MS } from './support.js';

const ENDPOINTS = [ENDPOINT, 'GET /v1/reporting/report_runs', 'GET /v2/core/events', 'files'];
const PRIORITIES = ['person', 'watched', 'rest'] as const;

const call = fc.record({
  process: fc.nat(2),
  endpoint: fc.constantFrom(...ENDPOINTS),
  priority: fc.constantFrom(...PRIORITIES),
});
const step = fc.record({ calls: fc.array(call, { maxLength: 25 }), ms: fc.oneof(fc.nat(50), fc.nat(2_000)) });

function busiestSecond(times: readonly number[]): number {
  return Math.max(0, ...times.map((from) => times.filter((at) => at >= from && at < from + 1000).length));
}

test('whatever three processes ask: Stripe gets no more in a second than it allows, all are told in time, and equals keep their order', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 25 }), fc.boolean(), async (steps, live) => {
      const budgets = await openBudgets({ processes: 3, live });
      let count = 0;
      for (const { calls, ms } of steps) {
        for (const { process, endpoint, priority } of calls) {
          budgets.ask(
            `${process} ${endpoint} ${priority} ${String(count).padStart(6, '0')}`,
            { endpoint, priority },
            process,
          );
          count += 1;
        }
        await budgets.clock.advance(ms);
      }
      await budgets.clock.advance(30_000);
      const { outcomes } = budgets;
      expect(outcomes).toHaveLength(count);
      const sent = outcomes.filter(({ error }) => error === null);
      expect(busiestSecond(sent.map(({ at }) => at))).toBeLessThan(live ? 100 : 25);
      for (const endpoint of ENDPOINTS) {
        const times = sent.filter((one) => one.call.endpoint === endpoint).map(({ at }) => at);
        expect(busiestSecond(times)).toBeLessThan(endpoint === 'files' ? 20 : 25);
      }
      for (const {
        at,
        askedAt,
        call: { priority },
      } of outcomes)
        expect(at - askedAt).toBeLessThanOrEqual(WAIT_MS[priority]);
      for (const group of new Set(sent.map(({ name }) => name.slice(0, -7)))) {
        const names = sent.map(({ name }) => name).filter((name) => name.startsWith(group));
        expect(names).toEqual([...names].sort());
      }
      await budgets.close();
    }),
    { numRuns: 60 },
  );
});
