import { missing } from '../errors.js';
import type { Exchange } from '../exchange.js';
import { sizeOf } from '../files/contents.js';
import { sendFile } from '../files/send.js';
import { json } from '../http.js';
import type { Answer } from '../http.js';
import type { JsonObject } from '../json.js';
import { fileTypeOf, statusOf } from '../run.js';
import type { Run } from '../run.js';
import type { World } from '../world.js';

const YEAR_S = 365 * 24 * 3600;

export function showFile(exchange: Exchange): Answer {
  return json(200, shownFile(exchange.world, runOfFile(exchange)));
}

export function fileContents(exchange: Exchange): Answer {
  return sendFile(exchange.world, exchange.call, runOfFile(exchange));
}

export function shownFile(world: World, run: Run): JsonObject {
  const id = run.id.replace('frr_', 'file_');
  const created = Math.floor((run.end?.at ?? run.created) / 1000);
  return {
    id,
    object: 'file',
    created,
    expires_at: created + YEAR_S,
    filename: `${run.id}.${fileTypeOf(run)}`,
    links: { object: 'list', data: [], has_more: false, url: `/v1/file_links?file=${id}` },
    purpose: 'finance_report_run',
    size: sizeOf(run),
    title: `FinanceReportRun ${run.id}`,
    type: fileTypeOf(run),
    url: `${world.origin}/v1/files/${id}/contents`,
  };
}

/** A file's id is its run's with another prefix. */
function runOfFile({ id, scope, now }: Exchange): Run {
  const run = scope.find(id.replace(/^file_/, 'frr_'));
  if (!id.startsWith('file_') || run === null || statusOf(run, now) !== 'succeeded')
    throw missing('file', id, 'file');
  return run;
}
