import { GatewayError } from '../models/errors.js';

/** The file is there and can be downloaded, but not be given as rows. The message is a whole sentence. */
export function unreadable(message: string, line?: number): GatewayError {
  return new GatewayError('ROWS_UNAVAILABLE', message, line === undefined ? {} : { line });
}
