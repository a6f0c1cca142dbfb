import { createHash } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { exampleTabs } from './graphiql-examples.js';
import { GRAPHQL_PATH } from './graphql.js';

export interface GraphiQLOptions {
  /** Unix ms. */
  readonly now: () => number;
}

/** Sends the page. */
export type GraphiQLPage = (res: ServerResponse) => Promise<void>;

interface RenderedPage {
  /** The UTC day it was rendered on: the examples name dates. */
  readonly day: number;
  readonly body: Buffer;
  readonly policy: string;
}

const DAY_MS = 86_400_000;

/** Whether a browser asks for a page, rather than a client for data. */
export function wantsPage(req: IncomingMessage): boolean {
  return req.method === 'GET' && (req.headers.accept ?? '').includes('text/html');
}

/** GraphiQL as one page that loads nothing from anywhere else. */
export function createGraphiQLPage({ now }: GraphiQLOptions): GraphiQLPage {
  let rendered: Promise<RenderedPage> | null = null;
  let renderedDay = Number.NaN;
  return async (res) => {
    const day = Math.floor(now() / DAY_MS);
    if (rendered === null || renderedDay !== day) {
      renderedDay = day;
      rendered = render(day);
    }
    const { body, policy } = await rendered;
    res.writeHead(200, {
      'content-type': 'text/html; charset=utf-8',
      'content-length': body.length,
      'content-security-policy': policy,
      'cache-control': 'no-store',
    });
    res.end(body);
  };
}

async function render(day: number): Promise<RenderedPage> {
  // 46 MB once loaded, so only for those who open the page.
  const { renderGraphiQL } = await import('@graphql-yoga/render-graphiql');
  const html = renderGraphiQL({
    title: 'Report runs',
    endpoint: GRAPHQL_PATH,
    subscriptionsProtocol: 'WS',
    credentials: 'same-origin',
    shouldPersistHeaders: false,
    defaultEditorToolsVisibility: 'variables',
    defaultTabs: exampleTabs(new Date(day * DAY_MS)),
  });
  return { day, body: Buffer.from(html), policy: policyFor(html) };
}

/** Only the script that is in the page may run, and it may talk to this origin alone. */
function policyFor(html: string): string {
  const script = html.slice(html.indexOf('<script>') + '<script>'.length, html.lastIndexOf('</script>'));
  const hash = createHash('sha256').update(script).digest('base64');
  return [
    "default-src 'none'",
    `script-src 'sha256-${hash}' blob:`,
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
