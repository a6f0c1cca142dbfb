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
  const values: Readonly<Record<string, JsonValue>> = {
    interval_start: written(api, end - (1 + Math.floor(random() * 30)) * DAY_MS),
    interval_end: written(api, end),
    payout: `po_${token(random, 24)}`,
    connected_account: `acct_${token(random, 16)}`,
  };
  const required = requiredOf(api, type, mode);
  return Object.fromEntries(required.map((name) => [name, values[name]]));
}

function written(api: Api, at: number): JsonValue {
  return api === 'V1' ? at / 1000 : new Date(at).toISOString();
}

function requiredOf(api: Api, type: string, mode: Mode): readonly string[] {
  if (api === 'V1') return REPORT_TYPES.get(type)?.required ?? [];
  const parameters = findReport(type, mode)?.parameters ?? [];
  return parameters.filter(({ required }) => required).map(({ name }) => name);
}
