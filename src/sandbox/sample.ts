import { REPORT_TYPES } from './data/report-types.js';
import { findReport } from './data/reports.js';
import type { JsonObject, JsonValue } from './json.js';
import { token } from './random.js';
import type { Random } from './random.js';
import type { Api, Mode } from './run.js';

const DAY_MS = 24 * 3_600_000;

/** Parameters a report could have been run with at a time: all that are required, over some days before it. */
export function sampleParameters(api: Api, type: string, mode: Mode, at: number, random: Random): JsonObject {
  const end = Math.floor(at / DAY_MS) * DAY_MS - Math.floor(random() * 3) * DAY_MS;
  const start = end - (1 + Math.floor(random() * 30)) * DAY_MS;
  return Object.fromEntries(requiredOf(api, type, mode).map((name) => [name, valueFor(name)]));

  function valueFor(name: string): JsonValue {
    if (name === 'interval_start') return written(api, start);
    if (name === 'interval_end') return written(api, end);
    return name === 'payout' ? `po_${token(random, 24)}` : `acct_${token(random, 16)}`;
  }
}

function written(api: Api, at: number): JsonValue {
  return api === 'V1' ? at / 1000 : new Date(at).toISOString();
}

function requiredOf(api: Api, type: string, mode: Mode): readonly string[] {
  if (api === 'V1') return REPORT_TYPES.get(type)?.required ?? [];
  const parameters = findReport(type, mode)?.parameters ?? [];
  return parameters.filter(({ required }) => required).map(({ name }) => name);
}
