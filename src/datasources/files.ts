import { setMaxListeners } from 'node:events';
import { UpstreamError } from '../models/errors.js';
import type { ReportFile, ReportRun } from '../models/report-run.js';
import { type Admission, FREE } from './admission.js';
import { failureOfFile, readSpan } from './file-answer.js';
import { bodyOf, EMPTY, type FileBody } from './file-body.js';
import { sectionOf } from './file-section.js';
import { type FileAnswer, requestFile } from './file-wire.js';
import type { StripeV2 } from './stripe-v2.js';
import { segment } from './upstream-answer.js';
import { refusalOf, withRetryAfter } from './upstream-failure.js';

/** Bytes of a file, counted from 0, both included. Without `end` it goes to the file's own end. */
export interface FileRange {
  readonly start: number;
  readonly end?: number;
}

/** A file, or a part of one, on its way. */
export interface OpenFile extends FileBody {
  /** Bytes of the whole file. */
  readonly size: number;
  /** Bytes that come before the end: as many as were asked for and the file has. */
  readonly length: number;
}

export interface OpenFileOptions {
  /** Ends the request at any time, also while the file is read. */
  readonly signal: AbortSignal;
  /** The whole file where absent. It may begin at the file's end, which gives nothing, but not behind it. */
  readonly range?: FileRange;
}

export interface FileSource {
  /**
   * Asks for the file of a run that has succeeded, from the first byte of the range on, whether or not the upstream knows ranges.
   * Throws UpstreamError.
   */
  open(run: ReportRun, options: OpenFileOptions): Promise<OpenFile>;
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
  /** Who lets each reading of a v1 file through, which Stripe limits; absent: nobody holds any back. */
  readonly admission?: Admission;
}

const CONNECT_MS = 3_000;
const HEADERS_MS = 10_000;
const IDLE_MS = 30_000;
/** How long, ms, somebody who wants a file waits for its turn. */
const WAIT_MS = 10_000;
/** What object stores say of a link that has expired, or that they take for another's. */
const LINK_REFUSED: ReadonlySet<number> = new Set([400, 401, 403]);

export function createFileSource(options: FileSourceOptions): FileSource {
  const { apiKey, base, v2, timeouts = {}, admission = FREE } = options;
  const { headers: headersMs = HEADERS_MS, idle: idleMs = IDLE_MS } = timeouts;
  const wireTimeouts = { connect: CONNECT_MS, headers: headersMs, idle: idleMs };
  const closing = new AbortController();
  // Each download under way listens to it.
  setMaxListeners(0, closing.signal);

  async function get(url: URL, headers: Record<string, string>, signal: AbortSignal) {
    return await requestFile(url, headers, wireTimeouts, [signal, closing.signal]).catch(() => {
      throw new UpstreamError('unavailable', 'Stripe gave no answer when it was asked for the file.', {
        effect: 'none',
      });
    });
  }

  /** Asks when it is its turn, and once more after a 429 where the pause that follows fits into the wait. */
  async function askInTurn(request: () => Promise<FileAnswer>, waitMs = WAIT_MS, isSecond = false) {
    const began = performance.now();
    const call = { endpoint: 'files', isRead: true, priority: 'person', waitMs } as const;
    await admission.admit(call);
    const answer = await request();
    if (answer.status !== 429) return answer;
    answer.destroy();
    const error = failureOfFile(answer, true);
    const pauseMs = await admission.refused(call, refusalOf(answer, error));
    const leftMs = waitMs - (performance.now() - began);
    if (isSecond || pauseMs === 0 || pauseMs > leftMs) throw withRetryAfter(error, pauseMs);
    return askInTurn(request, leftMs, true);
  }

  async function ask(run: ReportRun, file: ReportFile, range: Record<string, string>, signal: AbortSignal) {
    if (run.api === 'V1') {
      // Built from the id: where a payload's `url` leads, the key does not follow.
      const url = new URL(`/v1/files/${segment(file.fileId ?? '')}/contents`, filesOrigin(base));
      return askInTurn(() => get(url, { ...range, authorization: `Bearer ${apiKey}` }, signal));
    }
    const follow = async () => get(linkTarget((await v2.downloadUrl(run.id)).url, base), range, signal);
    const answer = await follow();
    if (!LINK_REFUSED.has(answer.status)) return answer;
    answer.destroy();
    return follow();
  }

  return {
    async open(run, { signal, range }) {
      const file = run.result?.file ?? null;
      if (file === null) throw new UpstreamError('not_found', `The report run ${run.id} has no file.`);
      const size = Number(file.size);
      const span = { start: range?.start ?? 0, end: Math.min(range?.end ?? size, size - 1) };
      if (span.start < 0 || span.start > size)
        throw new RangeError(
          `A range must start within the ${size} bytes of the file, not at ${span.start}.`,
        );
      const length = Math.max(0, span.end - span.start + 1);
      if (length === 0) return { size, length, ...EMPTY };
      const isWhole = length === size;
      const answer = await ask(
        run,
        file,
        isWhole ? {} : { range: `bytes=${span.start}-${span.end}` },
        signal,
      );
      try {
        if (answer.status !== 200 && answer.status !== 206) {
          const error = failureOfFile(answer, run.api === 'V1');
          if (error.kind !== 'rate_limited') throw error;
          throw withRetryAfter(error, refusalOf(answer, error).retryAfterMs ?? 0);
        }
        const section = { ...readSpan(answer, { ...span, size, isWhole }), length };
        const leave = (): void => answer.destroy();
        return { size, length, ...bodyOf((sink) => answer.read(sectionOf(section, sink, leave)), leave) };
      } catch (error) {
        answer.destroy();
        throw error;
      }
    },

    close() {
      closing.abort();
      return Promise.resolve();
    },
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
