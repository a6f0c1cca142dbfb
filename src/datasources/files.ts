import type { Readable } from 'node:stream';
import { Agent, type Dispatcher } from 'undici';
import { UpstreamError, type UpstreamErrorKind } from '../models/errors.js';
import type { ReportRun } from '../models/report-run.js';
import type { StripeV2 } from './stripe-v2.js';
import { segment } from './upstream-answer.js';

/** A file on its way. `stream` has to be read or destroyed; it fails where the upstream breaks off. */
interface OpenFile {
  readonly status: 200;
  readonly contentType: string;
  /** Bytes; null where the upstream does not say. */
  readonly contentLength: number | null;
  readonly stream: Readable;
}

export interface FileSource {
  /** Asks for the run's file. Throws UpstreamError; `signal` ends the request at any time, the stream too. */
  open(run: ReportRun, signal: AbortSignal): Promise<OpenFile>;
  /** Breaks off what is under way. */
  close(): Promise<void>;
}

export interface FileSourceOptions {
  readonly apiKey: string;
  readonly base: URL;
  /** For a fresh link to each v2 file. */
  readonly v2: Pick<StripeV2, 'downloadUrl'>;
  /** Ms until the headers, and ms between two pieces of the body. A whole file may take as long as it takes. */
  readonly timeouts?: { readonly headers?: number; readonly idle?: number };
}

const CONNECT_MS = 3_000;
const HEADERS_MS = 10_000;
const IDLE_MS = 30_000;

export function createFileSource(options: FileSourceOptions): FileSource {
  const { apiKey, base, v2, timeouts = {} } = options;
  const agent = new Agent({
    connect: { timeout: CONNECT_MS },
    headersTimeout: timeouts.headers ?? HEADERS_MS,
    bodyTimeout: timeouts.idle ?? IDLE_MS,
  });

  async function request(url: URL, headers: Record<string, string>, signal: AbortSignal): Promise<OpenFile> {
    const { origin, pathname, search } = url;
    const answer = await agent
      .request({ origin, path: `${pathname}${search}`, method: 'GET', headers, signal })
      .catch(() => {
        throw new UpstreamError('unavailable', 'Stripe did not answer with the file.', { effect: 'none' });
      });
    if (answer.statusCode === 200) return describeFile(answer);
    // Redirects end here too: whoever is named in one is not on the list of hosts.
    answer.body.on('error', () => {}).destroy();
    const requestId = answer.headers['request-id'];
    throw new UpstreamError(
      kindOf(answer.statusCode, 'authorization' in headers),
      messageOf(answer.statusCode),
      {
        status: answer.statusCode,
        requestId: typeof requestId === 'string' ? requestId : null,
        effect: 'none',
      },
    );
  }

  return {
    async open(run, signal) {
      if (run.api === 'V2') {
        const link = await v2.downloadUrl(run.id);
        return request(linkTarget(link.url, base), {}, signal);
      }
      const fileId = run.result?.file?.fileId ?? null;
      if (fileId === null) {
        throw new UpstreamError('not_found', `Stripe has no file for the report run ${run.id}.`);
      }
      // Built from the id: where a payload's `url` leads, the key does not follow.
      const url = new URL(`/v1/files/${segment(fileId)}/contents`, filesOrigin(base));
      return request(url, { authorization: `Bearer ${apiKey}` }, signal);
    },

    close: () => agent.destroy(),
  };
}

/** Where the key may go to for a file: Stripe keeps contents on a host of their own, any other upstream on its one. */
export function filesOrigin(base: URL): string {
  return base.host === 'api.stripe.com' ? 'https://files.stripe.com' : base.origin;
}

/** A pre-signed link is asked without the key, over https; plain http only where the upstream itself is. */
function linkTarget(link: string, base: URL): URL {
  const url = URL.canParse(link) ? new URL(link) : null;
  if (url !== null && url.username === '' && (url.protocol === 'https:' || url.origin === base.origin))
    return url;
  throw new UpstreamError('contract', "Stripe's link to the file is not one that can be followed.");
}

function describeFile(answer: Dispatcher.ResponseData): OpenFile {
  const { 'content-type': contentType, 'content-length': length } = answer.headers;
  return {
    status: 200,
    contentType: typeof contentType === 'string' ? contentType : 'application/octet-stream',
    contentLength: typeof length === 'string' && /^\d{1,15}$/.test(length) ? Number(length) : null,
    stream: answer.body,
  };
}

/** Where no key was sent, 401 and 403 are about the link, and another may work. */
function kindOf(status: number, withKey: boolean): UpstreamErrorKind {
  if (status >= 500) return 'unavailable';
  switch (status) {
    case 401:
      return withKey ? 'unauthenticated' : 'unavailable';
    case 403:
      return withKey ? 'forbidden' : 'unavailable';
    case 404:
    case 410:
      return 'not_found';
    case 429:
      return 'rate_limited';
    default:
      return 'contract';
  }
}

function messageOf(status: number): string {
  if (status === 404 || status === 410) return 'Stripe does not have the file any more.';
  return `Stripe did not answer with the file (HTTP ${status}).`;
}
