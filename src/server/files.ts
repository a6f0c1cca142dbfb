import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { Logger } from 'pino';
import type { Services } from '../context.js';
import { UpstreamError } from '../models/errors.js';
import type { ReportFile, ReportRun } from '../models/report-run.js';
import { loggable } from './errors.js';
import type { FileLinkCheck } from './file-links.js';
import { closeUnread, sendText } from './respond.js';

/** An upstream file, opened. `length`: the bytes that `stream` gives before it ends; it fails where it would give others. */
interface OpenFile {
  readonly length: number;
  readonly stream: Readable;
}

/** Opens the file of a run that has one. The signal ends the upstream request, also while the file is read. */
export type FileOpener = (run: ReportRun, options: { readonly signal: AbortSignal }) => Promise<OpenFile>;

export interface FileOptions {
  readonly services: Services;
  readonly open: FileOpener;
  /** Takes the path with its query string. */
  readonly verify: (path: string) => FileLinkCheck;
  readonly log: Logger;
}

export type FileHandler = (req: IncomingMessage, res: ServerResponse) => Promise<void>;

/** Streams a run's file to whoever has a valid link to it. */
export function createFileHandler({ services, open, verify, log }: FileOptions): FileHandler {
  return async (req, res) => {
    closeUnread(req, res);
    if (req.method !== 'GET')
      return sendText(res, 405, 'A file can only be fetched with GET.', { allow: 'GET' });
    const link = verify(req.url ?? '');
    if (link === 'forged') return sendText(res, 403, 'This link was not made by this gateway.');
    if (link === 'expired') {
      return sendText(res, 410, 'This link has expired. Ask for downloadUrl again to get a new one.');
    }
    const gone = new AbortController();
    res.once('close', () => gone.abort());
    try {
      const [run] = await services.runs.read([link.runId]);
      if (run instanceof Error) throw run;
      if (run === undefined || run === null)
        return sendText(res, 404, 'Stripe no longer knows this report run.');
      if (run.status === 'RUNNING') return sendText(res, 409, 'The report run has not ended yet.');
      const file = run.result?.file ?? null;
      if (file === null) return sendText(res, 404, 'The report run has no file.');
      await stream(await open(run, { signal: gone.signal }), file, res);
    } catch (error) {
      if (gone.signal.aborted && !res.writableFinished) return;
      log.warn({ runId: link.runId, err: loggable(error) }, 'a file could not be delivered');
      // Past the first byte the status is out; only a broken connection tells the client that the file is not whole.
      if (res.headersSent) res.destroy();
      else sendText(res, isGone(error) ? 404 : 502, explained(error));
    }
  };
}

async function stream(opened: OpenFile, file: ReportFile, res: ServerResponse): Promise<void> {
  await firstByte(opened.stream);
  res.statusCode = 200;
  res.setHeader('content-type', typeOf(file));
  res.setHeader('content-length', opened.length);
  res.setHeader('content-disposition', attachment(nameOf(file)));
  res.setHeader('cache-control', 'private, no-store');
  res.setHeader('content-security-policy', "sandbox; default-src 'none'");
  await pipeline(opened.stream, res);
}

/** Waits until the stream has something to say, so that a failure before that can still be an answer of its own. */
function firstByte(stream: Readable): Promise<void> {
  return new Promise((resolve, reject) => {
    const settle = (error?: Error) => {
      stream.off('readable', settle).off('error', settle).off('close', closed);
      if (error === undefined) resolve();
      else reject(error);
    };
    const closed = () =>
      settle(stream.readableEnded ? undefined : new Error('The file ended before it began.'));
    stream.on('readable', settle).on('error', settle).on('close', closed);
  });
}

/** Stripe deletes files after a year. */
function isGone(error: unknown): boolean {
  return error instanceof UpstreamError && error.kind === 'not_found';
}

function explained(error: unknown): string {
  // The message of an upstream error is made to be shown; of any other nothing is known.
  return error instanceof UpstreamError
    ? `Stripe did not deliver the file: ${error.message}`
    : 'The file could not be fetched from Stripe. Try again.';
}

function nameOf(file: ReportFile): string {
  if (file.filename !== null && file.filename !== '') return file.filename;
  const ending = { CSV: '.csv', ZIP: '.zip', OTHER: '' }[file.contentType];
  return `${file.runId}${ending}`;
}

function typeOf(file: ReportFile): string {
  return { CSV: 'text/csv; charset=utf-8', ZIP: 'application/zip', OTHER: 'application/octet-stream' }[
    file.contentType
  ];
}

/** RFC 6266: a plain name for every client, and the exact one for those that read `filename*`. */
function attachment(name: string): string {
  const safe = Array.from(name, (sign) => (/[\p{Cc}\p{Cs}"\\/:*?<>|]/u.test(sign) ? '_' : sign))
    .slice(-200)
    .join('');
  const plain = safe.replace(/[^ -~]/g, '_');
  if (plain === safe) return `attachment; filename="${plain}"`;
  const exact = encodeURIComponent(safe).replace(/['()*]/g, (sign) => `%${sign.charCodeAt(0).toString(16)}`);
  return `attachment; filename="${plain}"; filename*=UTF-8''${exact}`;
}
