import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Logger } from 'pino';

/** Longer paths are cut in the log. */
const MAX_PATH = 200;

/**
 * One line per HTTP request when its answer is out or its client has gone. Never the query string, which may be a
 * signature or an operation, and never a header.
 */
export function logRequest(log: Logger, req: IncomingMessage, res: ServerResponse): void {
  const started = performance.now();
  res.once('close', () => {
    const line = {
      method: req.method,
      path: pathOf(req).slice(0, MAX_PATH),
      status: res.statusCode,
      ms: Math.round(performance.now() - started),
      // A client that left early is no failure of ours, but explains a short answer.
      ...(res.writableFinished ? {} : { aborted: true }),
    };
    if (res.statusCode >= 500) log.error(line, 'request failed');
    else if (line.path === '/health') log.debug(line, 'request');
    else log.info(line, 'request');
  });
}

/** The request's path without its query string. */
export function pathOf(req: IncomingMessage): string {
  return (req.url ?? '').split('?', 1)[0] ?? '';
}
