import { invalid, missing } from '../errors.js';
import type { Exchange } from '../exchange.js';
import { decodeForm } from '../form.js';
import { json } from '../http.js';
import type { Answer } from '../http.js';
import { isObject, textOf } from '../json.js';
import type { JsonValue } from '../json.js';
import { inListOrder } from '../run.js';
import type { Run } from '../run.js';
import type { Scope } from '../scope.js';
import { refuseUnknown } from './known.js';
import { shownRunV1 } from './runs.js';

const ACCEPTED = ['created', 'ending_before', 'starting_after', 'limit'];
const PATH = '/v1/reporting/report_runs';

/**
 * One page, newest first. With `ending_before` it is the runs right above the cursor, still newest first, and
 * `has_more` says whether there are newer ones.
 */
export function listRunsV1({ world, scope, call, now }: Exchange): Answer {
  const query = decodeForm(call.query);
  refuseUnknown(query, ACCEPTED);
  const { starting_after: after, ending_before: before } = query;
  if (after !== undefined && before !== undefined) {
    throw invalid('You cannot use both `starting_after` and `ending_before`.', { param: 'ending_before' });
  }
  const limit = limitOf(query['limit']);
  const inRange = createdFilter(query['created']);
  const shows = (run: Run) => run.visibleAt <= now && inRange(run.created / 1000);
  const runs = scope.list('V1');
  const found: Run[] = [];
  if (before === undefined) {
    const from = after === undefined ? 0 : indexOf(runs, cursor(scope, after, 'starting_after')) + 1;
    for (let i = from; i < runs.length && found.length <= limit; i++) take(runs[i]);
  } else {
    const from = indexOf(runs, cursor(scope, before, 'ending_before')) - 1;
    for (let i = from; i >= 0 && found.length <= limit; i--) take(runs[i]);
  }
  const page = found.slice(0, limit);
  if (before !== undefined) page.reverse();
  const data = page.map((run) => shownRunV1(world, run, now));
  return json(200, { object: 'list', url: PATH, has_more: found.length > limit, data });

  function take(run: Run | undefined): void {
    if (run !== undefined && shows(run)) found.push(run);
  }
}

function limitOf(value: JsonValue | undefined): number {
  if (value === undefined || value === '') return 10;
  const limit = integer(value, 'limit');
  if (limit < 1) throw invalid('This value must be greater than or equal to 1.', { param: 'limit' });
  if (limit > 100) throw invalid('This value must be less than or equal to 100.', { param: 'limit' });
  return limit;
}

function createdFilter(value: JsonValue | undefined): (created: number) => boolean {
  if (value === undefined) return () => true;
  if (!isObject(value)) {
    const exactly = integer(value, 'created');
    return (created) => created === exactly;
  }
  const bounds = Object.entries(value).map(([name, bound]) => {
    const compare = comparisons[name];
    if (compare === undefined)
      throw invalid(`Received unknown parameter: created[${name}]`, { param: `created[${name}]` });
    const at = integer(bound, `created[${name}]`);
    return (created: number) => compare(created, at);
  });
  return (created) => bounds.every((within) => within(created));
}

const comparisons: Readonly<Record<string, ((a: number, b: number) => boolean) | undefined>> = {
  gt: (a, b) => a > b,
  gte: (a, b) => a >= b,
  lt: (a, b) => a < b,
  lte: (a, b) => a <= b,
};

function integer(value: JsonValue | undefined, param: string): number {
  if (typeof value === 'string' && /^-?\d{1,15}$/.test(value)) return Number(value);
  throw invalid(`Invalid integer: ${textOf(value)}`, { code: 'parameter_invalid_integer', param });
}

function cursor(scope: Scope, value: JsonValue, param: string): Run {
  const run = scope.find(textOf(value));
  if (run?.api !== 'V1') throw missing('report run', textOf(value), param, 400);
  return run;
}

/** Where a run of the list is. */
function indexOf(runs: readonly Run[], run: Run): number {
  let low = 0;
  let high = runs.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    const other = runs[middle];
    if (other !== undefined && inListOrder(other, run) < 0) low = middle + 1;
    else high = middle;
  }
  return low;
}
