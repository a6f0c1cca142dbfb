import { afterAll, beforeEach, describe, expect, it } from 'vitest';
import { readable } from './samples.js';
import { startSources } from './sandbox.js';
import { failure } from './upstream.js';

const sources = await startSources();
afterAll(() => sources.close());
const { v1, control, idsOf, createV1 } = sources;
beforeEach(() => control('DELETE', '/faults'));

describe('faults of the sandbox', () => {
  it.each([
    ['reset', 'unavailable'],
    ['timeout', 'unavailable'],
    ['truncated', 'unavailable'],
    ['slow', 'unavailable'],
    ['not_json', 'contract'],
  ])(
    'a create that meets %s after its effect is %s, and the same key gives the run',
    async (kind, expected) => {
      const before = await idsOf('V1');
      const { type } = await v1.retrieveReportType('balance.summary.1');
      const end = type.dataAvailableEnd / 1000;
      const parameters = { interval_start: end - 86_400, interval_end: end };
      const request = { api: 'V1', reportType: type.id, parameters } as const;
      await control('POST', '/faults', { method: 'POST', path: '/v1/*', kind, when: 'after' });
      const error = await failure(v1.createRun(request, `fault-${kind}`));
      expect(error).toMatchObject({ kind: expected, effect: 'unknown' });
      const { observed } = await v1.createRun(request, `fault-${kind}`);
      const after = await idsOf('V1');
      expect(after.filter((id) => !before.includes(id))).toEqual([readable(observed).id]);
    },
  );

  it('a stored 500 of v1 comes back as replayed', async () => {
    await control('POST', '/faults', {
      method: 'POST',
      path: '/v1/*',
      kind: 'error',
      status: 500,
      when: 'after',
    });
    const request = { api: 'V1', reportType: 'balance.summary.1', parameters: {} } as const;
    const first = await failure(createV1('fault-500'));
    expect(first).toMatchObject({ kind: 'unavailable', status: 500, effect: 'unknown', replayed: false });
    expect(await failure(createV1('fault-500'))).toMatchObject({ status: 500, replayed: true });
    expect(await failure(v1.createRun(request, 'fault-400'))).toMatchObject({
      kind: 'invalid',
      effect: 'none',
    });
  });

  it('more requests than Stripe allows in a second are refused, and not repeated', async () => {
    await control('DELETE', '/requests');
    await control('POST', '/settings', { limits: true });
    const answers = await Promise.allSettled(Array.from({ length: 40 }, () => v1.listRuns({ limit: 1 })));
    const refused = answers.flatMap((answer) => (answer.status === 'rejected' ? [answer.reason] : []));
    expect(refused.length).toBeGreaterThan(0);
    for (const error of refused) expect(error).toMatchObject({ kind: 'rate_limited', effect: 'none' });
    const { requests } = (await control('GET', '/requests')) as { requests: unknown[] };
    expect(requests).toHaveLength(40);
  });
});
