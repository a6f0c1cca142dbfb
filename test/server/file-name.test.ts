import { describe, expect, it } from 'vitest';
import type { ReportRun } from '../../src/models/report-run.js';
import { attachment, fileNameOf } from '../../src/server/file-name.js';
import { runOf } from './schema.js';

const interval = {
  intervalStart: Date.UTC(2026, 9, 1),
  intervalEnd: Date.UTC(2026, 10, 1),
  raw: {},
};

function nameOf(run: ReportRun, contentType: 'CSV' | 'ZIP' | 'OTHER' = 'CSV'): string {
  const file = run.result?.file ?? null;
  if (file === null) throw new Error('The test needs a run with a file.');
  return fileNameOf(run, { ...file, contentType });
}

/** A v2 run with that report's name. */
function named(reportName: string): ReportRun {
  const run = runOf('reprun_1', 'SUCCEEDED');
  return run.api === 'V2' ? { ...run, reportName, parameters: interval } : run;
}

function v1Run(): ReportRun {
  const { result, createdAt } = runOf('frr_1Mc', 'SUCCEEDED');
  return {
    api: 'V1',
    id: 'frr_1Mc',
    livemode: false,
    status: 'SUCCEEDED',
    createdAt,
    finishedAt: null,
    succeededAt: null,
    reportTypeId: 'balance.summary.1',
    parameters: {
      ...interval,
      columns: null,
      connectedAccount: null,
      currency: null,
      payout: null,
      reportingCategory: null,
      timezone: null,
    },
    result,
    failure: null,
  };
}

describe('the name of a file', () => {
  it('is the report type, the interval and the id in v1', () => {
    expect(nameOf(v1Run())).toBe('balance.summary.1_2026-10-01_2026-11-01_frr_1Mc.csv');
  });

  it.each([
    ['Balance summary', 'Balance-summary_2026-10-01_2026-11-01_reprun_1.csv'],
    ['../../etc/passwd\r\nSet-Cookie: a=b', 'etc-passwd-Set-Cookie-a=b_2026-10-01_2026-11-01_reprun_1.csv'],
    ['..', '2026-10-01_2026-11-01_reprun_1.csv'],
    ['50 % "net"; a|b', '50-net-a-b_2026-10-01_2026-11-01_reprun_1.csv'],
    ['\u{d800}x\u{202e}y', 'x-y_2026-10-01_2026-11-01_reprun_1.csv'],
    ['Übersicht', 'Übersicht_2026-10-01_2026-11-01_reprun_1.csv'],
  ])('is the name of the report %j, made safe, in v2', (name, expected) => {
    expect(nameOf(named(name))).toBe(expected);
  });

  it('has the ending of its type, and no interval where the run has none', () => {
    const run = runOf('reprun_1', 'SUCCEEDED');
    expect([nameOf(run, 'CSV'), nameOf(run, 'ZIP'), nameOf(run, 'OTHER')]).toEqual([
      'X_reprun_1.csv',
      'X_reprun_1.zip',
      'X_reprun_1',
    ]);
  });

  it('stays short enough for every file system', () => {
    expect(Buffer.byteLength(nameOf(named('東'.repeat(500))))).toBeLessThanOrEqual(255);
  });
});

describe('Content-Disposition', () => {
  it('has a name for every client, and the exact one for those that read it', () => {
    expect(attachment('a_1.csv')).toBe('attachment; filename="a_1.csv"');
    expect(attachment('Übersicht (1).csv')).toBe(
      `attachment; filename="_bersicht (1).csv"; filename*=UTF-8''%C3%9Cbersicht%20%281%29.csv`,
    );
  });
});
