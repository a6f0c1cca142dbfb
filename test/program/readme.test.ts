import { readFileSync } from 'node:fs';
import { createClient } from 'graphql-ws';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { WebSocket } from 'ws';
import { type Program, startProgram } from '../support/process.js';
import { until } from '../support/until.js';

/** The README's code blocks of one language, in order. */
function blocks(language: string): string[] {
  const readme = readFileSync('README.md', 'utf8');
  return [...readme.matchAll(new RegExp(`^\`\`\`${language}\\n(.*?)^\`\`\``, 'gms'))].map(
    ([, text]) => text ?? '',
  );
}

/** An answer without what differs from run to run: ids keep their prefix, times and numbers of bytes only their kind. */
function shapeOf(value: unknown): unknown {
  const text = JSON.stringify(value)
    .replace(/frr_\w+/g, 'frr_…')
    .replace(/"\d{4}-\d\d-\d\dT[\d:.]+Z"/g, '"<time>"')
    .replace(/"size":"\d+"/g, '"size":"<bytes>"')
    .replace(/"endCursor":"[^"]+"/g, '"endCursor":"<cursor>"');
  return text;
}

const [create = '', follow = '', , list = '', , rows = ''] = blocks('graphql');
const [created = '', running = '', succeeded = '', listed = '', read = ''] = blocks('json').map((text) =>
  shapeOf(JSON.parse(text)),
);

let gateway: Program;
let url: string;
let sandbox: string;

beforeAll(async () => {
  gateway = startProgram('dist/main.js', { PORT: '0', SANDBOX_RUN_SECONDS: '2' });
  [url] = await gateway.says(/http:\/\/\S+\/graphql/);
  [sandbox] = await gateway.says(/(?<=sandbox at )http:\/\/[\d.:]+/);
});

afterAll(() => gateway?.end());

async function send(query: string, variables = {}): Promise<Record<string, unknown>> {
  return post(url, { query, variables });
}

async function post(to: string, body: object): Promise<Record<string, unknown>> {
  const answer = await fetch(to, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
  });
  return (await answer.json()) as Record<string, unknown>;
}

/** The README's dates are of the day it was written; Stripe keeps data for some years only. */
function withRecentDates(query: string): string {
  const month = (back: number): string => {
    const now = new Date();
    return new Date(Date.UTC(now.getUTCFullYear(), now.getUTCMonth() - back, 1)).toISOString();
  };
  return query.replace('2026-10-01T00:00:00Z', month(2)).replace('2026-11-01T00:00:00Z', month(1));
}

test("the README's operations give the README's answers, field for field and in the same order", async () => {
  const answer = await send(withRecentDates(create));
  expect(shapeOf(answer)).toBe(created);
  const id = /frr_\w+/.exec(JSON.stringify(answer))?.[0];

  const socket = createClient({ url: url.replace('http', 'ws'), webSocketImpl: WebSocket });
  const events: unknown[] = [];
  for await (const event of socket.iterate({ query: follow, variables: { id } })) events.push(event);
  await socket.dispose();
  expect(events.map(shapeOf)).toEqual([running, succeeded]);

  // The newest one is listed first once Stripe's list shows it, and an older one follows.
  await until(async () => JSON.stringify(await send(list)).includes(`"${id}"`));
  expect(shapeOf(await send(list))).toBe(listed);
});

test("the README's rows are read from a file that has them", async () => {
  const { file } = JSON.parse(String(read)).data.reportRun.result;
  const names: string[] = file.columns.map(({ name }: { name: string }) => name);
  const first = file.rows.nodes.map(({ values }: { values: Record<string, string> }) => values);
  const lines = Array.from({ length: Number(file.rowCount) }, (_, at) =>
    names.map((name) => `"${first[at]?.[name] ?? 'x'}"`).join(','),
  );
  const text = [names.join(','), ...lines].join('\n');
  const { ids } = await post(`${sandbox}/_sandbox/runs`, { api: 'V1', count: 1, file: { text } });
  const [id] = ids as string[];
  expect(shapeOf(await send(rows, { id }))).toBe(read);
});

test("the README's first two blocks are the two commands", () => {
  expect(blocks('sh').slice(0, 2)).toEqual(['npm ci && npm start\n', 'npm ci && npm test\n']);
});

test('every variable of the configuration is in the README and in .env.example', () => {
  const names = [...readFileSync('src/environment.ts', 'utf8').matchAll(/^ {2}([A-Z][A-Z0-9_]+):/gm)].map(
    ([, name]) => name,
  );
  expect(names.length).toBeGreaterThan(10);
  for (const file of ['README.md', '.env.example']) {
    const text = readFileSync(file, 'utf8');
    expect(names.filter((name) => !text.includes(name ?? ''))).toEqual([]);
  }
});
