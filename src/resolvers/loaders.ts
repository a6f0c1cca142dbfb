import DataLoader from 'dataloader';
import type { Context, Services } from '../context.js';
import { apiOfReportTypeId, apiOfRunId } from '../models/ids.js';
import type { ReportRun } from '../models/report-run.js';
import type { ReportType } from '../models/report-type.js';

/** Loaders for one request: an id is read once, however often a query names it. Malformed ids give null unread. */
export function createLoaders(services: Services): Context['loaders'] {
  return {
    reportRun: new DataLoader<string, ReportRun | null>((ids) => readRuns(services, ids)),
    reportType: new DataLoader<string, ReportType | null>((ids) =>
      Promise.all(ids.map((id) => readReportType(services, id))),
    ),
  };
}

async function readRuns(
  services: Services,
  ids: readonly string[],
): Promise<readonly (ReportRun | null | Error)[]> {
  const wellFormed = ids.filter((id) => apiOfRunId(id) !== null);
  const found = wellFormed.length === 0 ? [] : await services.runs.read(wellFormed);
  const runs = new Map(wellFormed.map((id, index) => [id, found[index] ?? null]));
  return ids.map((id) => runs.get(id) ?? null);
}

async function readReportType(services: Services, id: string): Promise<ReportType | null | Error> {
  if (apiOfReportTypeId(id) === null) return null;
  try {
    return await services.reportTypes.read(id);
  } catch (error) {
    // One type that cannot be read must not fail the others of its batch.
    return error instanceof Error ? error : new Error(`Reading report type ${id} failed: ${String(error)}`);
  }
}
