import { expect, it } from 'vitest';
import { exampleTabs } from '../../src/server/graphiql-examples.js';
import { send, startGateway } from './support.js';

const BROWSER = { accept: 'text/html,application/xhtml+xml,*/*;q=0.8' };

it('is served to browsers, with a policy that lets its own script run and nothing be loaded', async () => {
  await using gateway = await startGateway({ graphiql: true });
  const [first, second] = [
    await send(gateway, '/graphql', { headers: BROWSER }),
    await send(gateway, '/graphql?query={hello}', { headers: BROWSER }),
  ];
  expect(first.status).toBe(200);
  const policy = String(first.headers['content-security-policy']);
  const nonce = /'nonce-([^']+)'/.exec(policy)?.[1] ?? '';
  expect(policy).toContain("default-src 'none'");
  expect(policy).not.toMatch(/https?:|\*|unsafe-eval|script-src[^;]*unsafe-inline/);
  expect(first.text.split(`<script nonce="${nonce}">`)).toHaveLength(2);
  expect(second.headers['content-security-policy']).not.toBe(policy);
  expect(first.text).toContain('FollowReportRun');
});

it('is served neither to other clients nor where it is switched off', async () => {
  await using on = await startGateway({ graphiql: true });
  await using off = await startGateway({ graphiql: false });
  expect((await send(on, '/graphql?query={hello}')).json.data.hello).toBe('Hello undefined');
  expect((await send(off, '/graphql', { headers: BROWSER })).headers['content-type']).not.toContain('html');
});

it('names runs that exist, and a month that Stripe has prepared', () => {
  const tabs = exampleTabs({ today: new Date('2027-01-31T12:00:00Z'), ended: 'frr_1', running: 'reprun_2' });
  const variables = tabs.map((tab) => (tab.variables === '' ? {} : JSON.parse(tab.variables)));
  expect(variables).toMatchObject([
    {},
    { id: 'frr_1' },
    { id: 'frr_1' },
    { parameters: { intervalStart: '2026-11-01T00:00:00.000Z', intervalEnd: '2026-12-01T00:00:00.000Z' } },
    { parameters: { interval_start: '2026-11-01T00:00:00.000Z', interval_end: '2026-12-01T00:00:00.000Z' } },
    { id: 'reprun_2' },
    { filter: {} },
  ]);
});
