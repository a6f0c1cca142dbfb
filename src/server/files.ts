import { createHash } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Writable } from 'node:stream';
import type { Logger } from 'pino';
import type { Services } from '../context.js';
import { UpstreamError, type UpstreamErrorKind } from '../models/errors.js';
import type { ReportFile, ReportRun } from '../models/report-run.js';
import { loggable } from './errors.js';
import type { FileLinkCheck } from './file-links.js';
import { attachment, fileNameOf } from './file-name.js';
import { type ByteRange, wantedRange } from './file-range.js';
import { pathOf } from './request-log.js';
import { closeUnread, sendText } from './respond.js';

/** An upstream file, opened. */
interface OpenFile {
  /** Calls `begin` just before the first of them. Rejects where they do not all come, and then leaves the target open. */
  pipeTo(target: Writable, begin: () => void): Promise<void>;
}

interface OpenOptions {
  /** Ends the upstream request, also while the file is read. */
  readonly signal: AbortSignal;
  /** The whole file where absent. */
  readonly range?: ByteRange;
}

/** Opens the file of a run that has one, from the first byte of the range on. */
export type FileOpener = (run: ReportRun, options: OpenOptions) => Promise<OpenFile>;

export interface FileOptions {
  readonly services: Services;
  readonly open: FileOpener;
  /** Takes the path with its query string. */
  readonly verify: (path: string) => FileLinkCheck;
  /** How long a client may take nothing of a file that is on its way, ms; 2 minutes unless told otherwise. */
  readonly stallTimeout?: number;
  readonly log: Logger;
}

export type FileHandler = (req: IncomingMessage, res: ServerResponse) => Promise<void>;

const STALL_MS = 120_000;
const TYPES = { CSV: 'text/csv; charset=utf-8', ZIP: 'application/zip', OTHER: 'application/octet-stream' };

/** Streams a run's file, or a part of it, to whoever has a valid link to it. HEAD asks nothing of Stripe. */
export function createFileHandler(options: FileOptions): FileHandler {
  const { services, open, verify, stallTimeout = STALL_MS, log } = options;

  /** The run a link is for and its file; null where the answer is out already. */
  async function fileOf(req: IncomingMessage, res: ServerResponse) {
    const link = verify(req.url ?? '');
    if (link === 'forged') return sendText(res, 403, 'This link was not made by this gateway.');
    if (link === 'expired') {
      return sendText(res, 410, 'This link has expired. Ask for downloadUrl again to get a new one.');
    }
    const [run] = await services.runs.read([link.runId]);
    if (run instanceof Error) throw run;
    if (run === undefined || run === null)
      return sendText(res, 404, 'Stripe no longer knows this report run.');
    if (run.status === 'RUNNING') return sendText(res, 409, 'The report run has not ended yet.');
    const file = run.result?.file ?? null;
    return file === null ? sendText(res, 404, 'The report run has no file.') : { run, file };
  }

  async function answer(req: IncomingMessage, res: ServerResponse, signal: AbortSignal): Promise<void> {
    const found = await fileOf(req, res);
    if (found === undefined) return;
    const { run, file } = found;
    const size = Number(file.size);
    const etag = etagOf(file);
    const range = req.method === 'GET' ? wantedRange(req.headers, size, etag) : 'whole';
    if (range === 'none') {
      const sentence = `The file has ${size} bytes; Range must name one part of it, such as bytes=0-99, bytes=100- or bytes=-100.`;
      return sendText(res, 416, sentence, { 'content-range': `bytes */${size}` });
    }
    const begin = (): void => {
      res.writeHead(range === 'whole' ? 200 : 206, {
        ...(range === 'whole' ? {} : { 'content-range': `bytes ${range.start}-${range.end}/${size}` }),
        'accept-ranges': 'bytes',
        'cache-control': 'private, no-store',
        'content-disposition': attachment(fileNameOf(run, file)),
        'content-length': range === 'whole' ? size : range.end - range.start + 1,
        'content-security-policy': "sandbox; default-src 'none'",
        'content-type': TYPES[file.contentType],
        etag,
      });
    };
    if (req.method === 'HEAD') {
      begin();
      res.end();
      return;
    }
    const opened = await open(run, range === 'whole' ? { signal } : { signal, range });
    await opened.pipeTo(res, begin);
  }

  return async (req, res) => {
    closeUnread(req, res);
    if (req.method !== 'GET' && req.method !== 'HEAD')
      return sendText(res, 405, 'A file can only be fetched, with GET or HEAD.', { allow: 'GET, HEAD' });
    const gone = new AbortController();
    res.once('close', () => gone.abort());
    // Without a listener of its own the time-out closes the connection, and with it the upstream's.
    res.setTimeout(stallTimeout);
    try {
      await answer(req, res, gone.signal);
    } catch (error) {
      if (gone.signal.aborted && !res.writableFinished) return;
      log.warn({ path: pathOf(req), err: loggable(error) }, 'a file could not be delivered');
      // Past the first byte the status is out; only a broken connection tells the client that the file is not whole.
      if (res.headersSent) res.destroy();
      else sendFailure(res, error);
    }
  };
}

/** A report that has ended never changes, so which file it is says which bytes it has. */
function etagOf(file: ReportFile): string {
  const which = JSON.stringify([file.runId, file.fileId, String(file.size)]);
  return `"${createHash('sha256').update(which).digest('base64url').slice(0, 22)}"`;
}

function sendFailure(res: ServerResponse, error: unknown): void {
  // The message of an upstream error is made to be shown; of any other nothing is known.
  if (!(error instanceof UpstreamError)) {
    sendText(res, 502, 'The file could not be fetched from Stripe. Try again.');
    return;
  }
  const { kind, retryAfter, message } = error;
  const headers = kind === 'rate_limited' ? { 'retry-after': String(retryAfter ?? 1) } : {};
  sendText(res, statusOf(kind), `The file cannot be delivered: ${message}`, headers);
}

/** A file can be gone although its run is not: Stripe deletes files after a year. */
function statusOf(kind: UpstreamErrorKind): number {
  if (kind === 'not_found') return 404;
  return kind === 'rate_limited' ? 503 : 502;
}
