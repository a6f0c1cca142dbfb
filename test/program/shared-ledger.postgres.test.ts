import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, expect, test } from 'vitest';
import { testPostgresUrl } from '../support/databases.js';
import { post } from '../support/gateway.js';
import { PASSWORD } from '../support/postgres-server.js';
import { type Program, startProgram } from '../support/process.js';
import { startTestSandbox } from '../support/sandbox.js';
import { until } from '../support/until.js';

const folder = mkdtempSync(join(tmpdir(), 'shared-'));
const running = new Set<Program>();

function start(env: Record<string, string>): Program {
  const program = startProgram('dist/main.js', {
    PORT: '0',
    ADMIN_SOCKET: join(folder, `${running.size}.sock`),
    ...env,
  });
  running.add(program);
  return program;
}

afterEach(async () => {
  for (const program of running) await program.end('SIGKILL');
  running.clear();
});

afterAll(() => rmSync(folder, { recursive: true, force: true }));

const CREATE = `mutation { createReportRun(input: { v1: {
  idempotencyKey: "order-1", reportType: "balance.summary.1", parameters: { intervalStart: "2026-01-01T00:00:00Z", intervalEnd: "2026-02-01T00:00:00Z" } } }) {
  reportRun { id } userErrors { message } } }`;

interface Created {
  readonly createReportRun: { readonly reportRun: { readonly id: string } };
}

interface Links {
  readonly reportRuns: {
    readonly nodes: readonly {
      readonly result: {
        readonly file: { readonly downloadUrl: { readonly url: string; readonly expiresAt: string } };
      };
    }[];
  };
}

test('gateways that start at once on one empty Postgres share what they know, also when the first is killed', async () => {
  const sandbox = await startTestSandbox();
  const env = {
    STRIPE_API_KEY: 'sk_test_shared',
    STRIPE_API_BASE: sandbox.origin,
    AUTH_ANONYMOUS: '1',
    DATABASE_URL: await testPostgresUrl(),
  };
  const programs = [start(env), start(env)];
  const urls = await Promise.all(
    programs.map(async (program) => (await program.says(/http:\/\/\S+\/graphql/))[0]),
  );
  const [one = '', two = ''] = urls;
  const created = await post<Created>(one, CREATE);
  const id = created.data?.createReportRun.reportRun.id ?? '';
  expect(id).toMatch(/^frr_/);
  await programs[0]?.end('SIGKILL');
  expect(await post<Created>(two, CREATE)).toEqual(created);
  const posts = (await sandbox.requests()).filter(({ method }) => method === 'POST');
  expect(posts).toHaveLength(1);
  expect(await programs[1]?.end('SIGTERM')).toBe(0);
  await sandbox.close();
});

/** Imported before the program: its wall clock is an hour fast. */
const HOUR_FAST = 'data:text/javascript,const%20now=Date.now;Date.now=()=>now()+3600000';

test("a link that one instance has made is good on another whose clock is an hour off, since both go by the database's", async () => {
  const sandbox = await startTestSandbox({ seed: true });
  const env = {
    STRIPE_API_KEY: 'sk_test_sandbox',
    STRIPE_API_BASE: sandbox.origin,
    AUTH_ANONYMOUS: '1',
    DATABASE_URL: await testPostgresUrl(),
  };
  const programs = [start(env), start({ ...env, NODE_OPTIONS: `--import=${HOUR_FAST}` })];
  const urls = await Promise.all(
    programs.map(async (program) => (await program.says(/http:\/\/\S+\/graphql/))[0]),
  );
  const query = `{ reportRuns(first: 1, filter: { api: V1, status: [SUCCEEDED] }) {
    nodes { result { file { downloadUrl(expiresIn: 60) { url expiresAt } } } } } }`;
  for (const [maker, taker] of [urls, [...urls].reverse()]) {
    let link: { url: string; expiresAt: string } | undefined;
    // A gateway that has just started may not have read the list yet.
    await until(async () => {
      const answer = await post<Links>(maker ?? '', query);
      link = answer.data?.reportRuns.nodes[0]?.result.file.downloadUrl;
      return link !== undefined;
    });
    expect(Math.abs(Date.parse(link?.expiresAt ?? '') - Date.now() - 60_000)).toBeLessThan(20_000);
    const { pathname, search } = new URL(link?.url ?? '');
    // One file in eight is a header alone.
    const file = await fetch(new URL(pathname + search, taker));
    expect([file.status, (await file.text()).length > 10]).toEqual([200, true]);
  }
  await sandbox.close();
});

test('a Postgres that cannot be used ends the program with a sentence that has no password in it', async () => {
  const wrong = new URL(await testPostgresUrl());
  wrong.pathname = '/nowhere';
  const program = start({
    STRIPE_API_KEY: 'sk_test_somebody',
    STRIPE_ACCOUNT_ID: 'acct_somebody',
    AUTH_ANONYMOUS: '1',
    DATABASE_URL: wrong.href,
  });
  expect(await program.ended()).toBe(1);
  expect(program.output()).toMatch(/The database postgres@127\.0\.0\.1:\d+\/nowhere does not exist/);
  expect(program.output()).not.toContain(PASSWORD);
});
