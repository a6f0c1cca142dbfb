import type { Route } from './exchange.js';
import { blob } from './files/blob.js';
import { showAccount } from './v1/account.js';
import { fileContents, showFile } from './v1/files.js';
import { listRunsV1 } from './v1/list.js';
import { listReportTypes, retrieveReportType } from './v1/report-types.js';
import { createRunV1, retrieveRunV1, showRunV1 } from './v1/runs.js';
import { listEvents, retrieveEvent } from './v2/events.js';
import { retrieveReport } from './v2/reports.js';
import { createRunV2, retrieveRunV2, showRunV2 } from './v2/runs.js';

const V1_RUNS = '/v1/reporting/report_runs';
const V2_RUNS = '/v2/reporting/report_runs';

const routes: readonly Route[] = [
  { kind: 'read', path: '/v1/account', answer: showAccount },
  { kind: 'create', path: V1_RUNS, create: createRunV1, show: showRunV1 },
  { kind: 'read', path: V1_RUNS, answer: listRunsV1 },
  { kind: 'read', path: `${V1_RUNS}/:id`, answer: retrieveRunV1 },
  { kind: 'read', path: '/v1/reporting/report_types', answer: listReportTypes },
  { kind: 'read', path: '/v1/reporting/report_types/:id', answer: retrieveReportType },
  { kind: 'read', limit: 'files', path: '/v1/files/:id', answer: showFile },
  { kind: 'read', limit: 'files', path: '/v1/files/:id/contents', answer: fileContents },
  { kind: 'create', path: V2_RUNS, create: createRunV2, show: showRunV2 },
  { kind: 'read', path: `${V2_RUNS}/:id`, answer: retrieveRunV2 },
  { kind: 'read', path: '/v2/reporting/reports/:id', answer: retrieveReport },
  { kind: 'read', path: '/v2/core/events', answer: listEvents },
  { kind: 'read', path: '/v2/core/events/:id', answer: retrieveEvent },
  { kind: 'open', path: '/blob/:id', answer: blob },
];

const table = routes.map((route) => ({ route, pattern: patternOf(route.path) }));

/** The endpoint a request is for, with the id in its path; null if there is none. A slash at the end does not count. */
export function findRoute(method: string, path: string): { route: Route; id: string } | null {
  for (const { route, pattern } of table) {
    if (method !== (route.kind === 'create' ? 'POST' : 'GET')) continue;
    const match = pattern.exec(path);
    if (match !== null) return { route, id: decoded(match[1] ?? '') };
  }
  return null;
}

function patternOf(path: string): RegExp {
  return new RegExp(`^${path.replace(':id', '([^/]+)')}/?$`);
}

function decoded(id: string): string {
  try {
    return decodeURIComponent(id);
  } catch {
    return id;
  }
}
