import { randomBytes } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Services } from '../context.js';
import type { ReportRunStatus } from '../models/report-run.js';
import { exampleTabs } from './graphiql-examples.js';
import { GRAPHQL_PATH } from './graphql.js';

export interface GraphiQLOptions {
  /** Asked for runs the examples can name. */
  readonly services: Services;
  /** Unix ms. */
  readonly now: () => number;
}

/** Sends the page. */
export type GraphiQLPage = (res: ServerResponse) => Promise<void>;

/** The page around its two places that differ from request to request. */
interface Template {
  readonly beforeScript: Buffer;
  /** 9 MB. */
  readonly script: Buffer;
  readonly afterTabs: Buffer;
}

const SCRIPT_TAG = '<script>';
const NO_TABS = '"defaultTabs":[]';
/** GraphiQL's drag animation loses its bearings when the window changes, and moves a tab away from under the pointer. */
const STYLE = '<style>.graphiql-tabs > .graphiql-tab { transform: none !important; }</style>';

/** Whether a browser asks for a page, rather than a client for data. */
export function wantsPage(req: IncomingMessage): boolean {
  return req.method === 'GET' && (req.headers.accept ?? '').includes('text/html');
}

/** GraphiQL as one page that loads nothing from anywhere else. */
export function createGraphiQLPage({ services, now }: GraphiQLOptions): GraphiQLPage {
  let template: Promise<Template> | null = null;
  return async (res) => {
    template ??= renderTemplate();
    const [{ beforeScript, script, afterTabs }, ended, running] = await Promise.all([
      template,
      newestRun(services, 'SUCCEEDED'),
      newestRun(services, 'RUNNING'),
    ]);
    const tabs = exampleTabs({ today: new Date(now()), ended, running: running ?? ended });
    const nonce = randomBytes(16).toString('base64');
    res.writeHead(200, {
      'content-type': 'text/html; charset=utf-8',
      'content-security-policy': policyWith(nonce),
      'cache-control': 'no-store',
    });
    res.write(beforeScript);
    res.write(`<script nonce="${nonce}">`);
    res.write(script);
    // In a script only "<" could end the JSON early.
    res.write(`"defaultTabs":${JSON.stringify(tabs).replaceAll('<', '\\u003c')}`);
    res.end(afterTabs);
  };
}

async function renderTemplate(): Promise<Template> {
  // 46 MB once loaded, so only for those who open the page.
  const { renderGraphiQL } = await import('@graphql-yoga/render-graphiql');
  const html = renderGraphiQL({
    title: 'Report runs',
    endpoint: GRAPHQL_PATH,
    subscriptionsProtocol: 'WS',
    credentials: 'same-origin',
    shouldPersistHeaders: false,
    defaultEditorToolsVisibility: 'variables',
    defaultTabs: [],
  });
  const script = html.indexOf(SCRIPT_TAG);
  const tabs = html.lastIndexOf(NO_TABS);
  if (script === -1 || tabs < script) {
    throw new Error(
      `GraphiQL's page was expected to have ${SCRIPT_TAG} and then ${NO_TABS}; it has changed.`,
    );
  }
  return {
    beforeScript: Buffer.from(html.slice(0, script) + STYLE),
    script: Buffer.from(html.slice(script + SCRIPT_TAG.length, tabs)),
    afterTabs: Buffer.from(html.slice(tabs + NO_TABS.length)),
  };
}

/** The page is worth having without examples that name a run, so a failure here is no failure of the page. */
async function newestRun(services: Services, status: ReportRunStatus): Promise<string | null> {
  try {
    const { runs } = await services.runs.page({
      filter: { status: [status] },
      direction: 'forward',
      limit: 1,
      after: null,
      before: null,
    });
    return runs[0]?.id ?? null;
  } catch {
    return null;
  }
}

/** Only the script that is in the page may run, and it may talk to this origin alone. */
function policyWith(nonce: string): string {
  return [
    "default-src 'none'",
    `script-src 'nonce-${nonce}' blob:`,
    "style-src 'unsafe-inline'",
    'img-src data:',
    'font-src data:',
    'worker-src blob:',
    "connect-src 'self'",
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
  ].join('; ');
}
