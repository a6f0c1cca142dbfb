import { existsSync } from 'node:fs';
import { type Browser, chromium, type Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, expect, it } from 'vitest';
import { type Program, startProgram } from '../support/process.js';

const CHROMIUM = process.env['CHROMIUM_PATH'] ?? '/usr/bin/chromium';
const ARGUMENTS = [
  '--headless',
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
];

let gateway: Program;
let url: string;
let sandbox: string;
let browser: Browser;
let page: Page;
/** Requests that would have left the gateway's origin. */
const strayed: string[] = [];
/** What the page complained about, such as a violated Content-Security-Policy. */
const complaints: string[] = [];

beforeAll(async () => {
  if (!existsSync(CHROMIUM)) {
    throw new Error(
      `This test needs Chromium, but there is none at ${CHROMIUM}. Install it, or set CHROMIUM_PATH.`,
    );
  }
  gateway = startProgram('dist/main.js', { PORT: '0', SANDBOX_RUN_SECONDS: '2' });
  [url] = await gateway.says(/http:\/\/\S+\/graphql/);
  [, sandbox = ''] = await gateway.says(/embedded sandbox at (\S+)/);
  browser = await chromium.launch({ executablePath: CHROMIUM, args: ARGUMENTS });
  page = await browser.newPage({ viewport: { width: 1400, height: 860 } });
  await page.route('**/*', async (route) => {
    const target = route.request().url();
    if (new URL(target).origin === new URL(url).origin) return await route.continue();
    strayed.push(target);
    return await route.abort();
  });
  page.on('websocket', (socket) => {
    if (new URL(socket.url()).host !== new URL(url).host) strayed.push(socket.url());
  });
  page.on('pageerror', (error) => complaints.push(error.message));
  page.on('console', (message) => {
    if (message.type() === 'error') complaints.push(message.text());
  });
  await page.goto(url);
  await page.locator('.graphiql-tab').first().waitFor();
});

afterAll(async () => {
  await browser?.close();
  await gateway?.end();
});

afterEach(() => {
  if (strayed.length + complaints.length > 0) {
    throw new Error(
      `The page strayed to [${strayed.join(', ')}] and complained: ${complaints.join(', ') || 'nothing'}.`,
    );
  }
});

it('offers an example for each thing one can do', async () => {
  expect(await page.locator('.graphiql-tab').allInnerTexts()).toEqual([
    'ListReportRuns',
    'LookUpReportRun',
    'ReadReportRows',
    'CreateReportRunV1',
    'CreateReportRunV2',
    'FollowReportRun',
    'WatchReportRuns',
  ]);
});

it('lists runs and looks one up as it stands, also after the window has changed', async () => {
  await page.setViewportSize({ width: 1300, height: 800 });
  await run('ListReportRuns');
  await shown(/"nodes":\[\{"id":"(?:frr|reprun)_/);
  await run('LookUpReportRun');
  const link = await shown(/"url":"([^"]+)/);
  expect(new URL(link).origin).toBe(new URL(url).origin);
  expect((await fetch(link)).status).toBe(200);
  await run('ReadReportRows');
  await shown(/"columns":\[\{"name":"\w+","type":"[A-Z]+"/);
});

it.each([
  ['CreateReportRunV1', 'SUCCEEDED', /"id":"(frr_\w+)/],
  ['CreateReportRunV2', 'SUCCEEDED', /"id":"(reprun_\w+)/],
  ['CreateReportRunV1', 'FAILED', /"id":"(frr_\w+)/],
  ['CreateReportRunV2', 'FAILED', /"id":"(reprun_\w+)/],
])('starts a run with %s and sees it end over a WebSocket, %s', async (example, status, id) => {
  if (status === 'FAILED') await failNextRun();
  await run(example);
  const runId = await shown(id);
  await tab('FollowReportRun');
  await typeVariables(JSON.stringify({ id: runId }));
  const socket = page.waitForEvent('websocket');
  await execute();
  expect((await socket).url()).toBe(url.replace('http:', 'ws:'));
  await shown(new RegExp(`"id":"${runId}",.*"status":"(${status})"`, 's'));
});

/** Tells the sandbox behind the gateway how the next run ends. */
async function failNextRun(): Promise<void> {
  const answer = await fetch(`${sandbox}/_sandbox/outcomes`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ outcome: 'failed' }),
  });
  expect(answer.ok).toBe(true);
}

async function run(example: string): Promise<void> {
  await tab(example);
  await execute();
}

async function tab(name: string): Promise<void> {
  await page.locator('.graphiql-tab-button', { hasText: name }).click();
  await page.locator('.graphiql-tab[aria-selected=true]', { hasText: name }).waitFor();
  // GraphiQL reads the name of the operation only when typing has paused, and shows nowhere that it has.
  await page.waitForTimeout(1_000);
}

async function execute(): Promise<void> {
  await page.locator('.graphiql-execute-button').click();
}

async function typeVariables(json: string): Promise<void> {
  await page.locator('.graphiql-editor-tool .monaco-editor').first().click();
  await page.keyboard.press('Control+A');
  await page.keyboard.insertText(json);
  // The editor closed the brackets and quotes by itself; what it added is now behind the text.
  await page.keyboard.press('Control+Shift+End');
  await page.keyboard.press('Delete');
}

/** The editor wraps lines and keeps them in any order; the text is what is left without white space. */
function textOfLines(lines: readonly (HTMLElement | SVGElement)[]): string {
  return lines
    .toSorted((a, b) => Number.parseFloat(a.style.top) - Number.parseFloat(b.style.top))
    .map((line) => line.textContent ?? '')
    .join('')
    .replace(/\s/g, '');
}

/** Waits until the response pane has what is looked for, and gives its first group, or all of it. */
async function shown(pattern: RegExp): Promise<string> {
  let text = '';
  for (const end = Date.now() + 20_000; Date.now() < end; ) {
    text = await page.locator('.result-window .view-line').evaluateAll(textOfLines);
    const found = pattern.exec(text);
    if (found !== null) return found[1] ?? found[0];
    await page.waitForTimeout(100);
  }
  throw new Error(`GraphiQL was expected to show ${pattern}, but shows: ${text}`);
}
