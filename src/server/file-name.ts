import type { ReportFile, ReportRun } from '../models/report-run.js';

/** Characters that a file name cannot have somewhere, or that could hide what it is. */
const UNSAFE = /[\p{C}\p{Z}"'\\/:*?<>|%;,]+/gu;
const LONGEST_TITLE = 40;

/** What a browser saves the file as: report, interval and id, such as `balance.summary.1_2026-10-01_2026-11-01_frr_1Mc.csv`. */
export function fileNameOf(run: ReportRun, file: ReportFile): string {
  const { intervalStart, intervalEnd } = run.parameters;
  const parts = [titleOf(run), dayOf(intervalStart), dayOf(intervalEnd), run.id];
  return `${parts.filter((part) => part !== '').join('_')}${ENDINGS[file.contentType]}`;
}

/** RFC 6266: a plain name for every client, and the exact one for those that read `filename*`. */
export function attachment(name: string): string {
  const plain = name.replace(/[^ -~]/gu, '_');
  if (plain === name) return `attachment; filename="${plain}"`;
  const exact = encodeURIComponent(name).replace(/['()*]/g, (sign) => `%${sign.charCodeAt(0).toString(16)}`);
  return `attachment; filename="${plain}"; filename*=UTF-8''${exact}`;
}

const ENDINGS = { CSV: '.csv', ZIP: '.zip', OTHER: '' } as const;

/** v2's reports have names that people give them; their ids say nothing. */
function titleOf(run: ReportRun): string {
  const title = run.api === 'V1' ? run.reportTypeId : run.reportName;
  const safe = Array.from(title.replace(UNSAFE, '-')).slice(0, LONGEST_TITLE).join('');
  return safe.replace(/^[.-]+|[.-]+$/g, '');
}

/** The day in UTC. */
function dayOf(instant: number | null): string {
  return instant === null ? '' : new Date(instant).toISOString().slice(0, 10);
}
