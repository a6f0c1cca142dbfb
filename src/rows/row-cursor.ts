import { createHmac, timingSafeEqual } from 'node:crypto';
import { badUserInput } from '../models/errors.js';
import type { ReportFile } from '../models/report-run.js';
import type { Place } from './csv-page.js';

export interface RowCursorOptions {
  /** Part of what is sealed: a cursor of one account is forged in every other. */
  readonly account: string;
  /** 32 bytes or more. Cursors die with it. */
  readonly secret: Uint8Array;
}

/** Places in files as clients get them. */
export interface RowCursors {
  seal(file: ReportFile, place: Place): string;
  /** Throws BAD_USER_INPUT for what was not sealed here, and for another file's place. */
  open(file: ReportFile, cursor: string): Place;
}

const MAX_LENGTH = 1024;
/** The run, the bytes of its file; offset, line and row of the place. */
const PARTS = /^(\w+)\.(\d{1,18})\.(\d{1,15})\.(\d{1,15})\.(\d{1,15})$/;
const SEAL_BYTES = 16;

/**
 * A cursor is sealed, not just summed up: whoever could make one would have rows begin in the middle of a cell, and the gateway
 * remember a wrong number of them.
 */
export function createRowCursors({ account, secret }: RowCursorOptions): RowCursors {
  const sealOf = (text: string): Buffer =>
    createHmac('sha256', secret)
      .update(JSON.stringify(['row-cursor.1', account, text]))
      .digest()
      .subarray(0, SEAL_BYTES);

  return {
    seal({ runId, size }, { offset, line, row }) {
      const text = `${runId}.${size}.${offset}.${line}.${row}`;
      return Buffer.concat([sealOf(text), Buffer.from(text)]).toString('base64url');
    },

    open(file, cursor) {
      const bytes = Buffer.from(cursor.slice(0, MAX_LENGTH), 'base64url');
      const seal = bytes.subarray(0, SEAL_BYTES);
      const text = bytes.subarray(SEAL_BYTES).toString('latin1');
      const [, runId, size, offset, line, row] = PARTS.exec(text) ?? [];
      // Node decodes leniently; only the one spelling we give out is ours.
      const isOurs = runId !== undefined && bytes.toString('base64url') === cursor;
      if (!isOurs || !timingSafeEqual(seal, sealOf(text))) {
        throw badUserInput('`after` is not a cursor of `rows` as this gateway gave it.');
      }
      if (runId !== file.runId || size !== String(file.size)) {
        throw badUserInput(`\`after\` is a cursor of another file: that of the report run ${runId}.`);
      }
      return { offset: Number(offset), line: Number(line), row: Number(row) };
    },
  };
}
