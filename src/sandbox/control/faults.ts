import { ApiError, invalid } from '../errors.js';
import { FAULT_KINDS } from '../faults.js';
import type { Call } from '../http.js';
import { textOf } from '../json.js';
import type { JsonObject } from '../json.js';
import type { World } from '../world.js';
import { readFields, required } from './fields.js';

const FIELDS = ['method', 'path', 'kind', 'when', 'times', 'status', 'body', 'headers', 'delayMs'];

export function addFault(world: World, call: Call): { id: string } {
  const fields = readFields(call.body, FIELDS);
  const status = fields.number('status', 200);
  if (status !== null && status > 599) throw invalid(`'status' must be an HTTP status, not ${status}.`);
  const { id } = world.faults.add({
    method: fields.text('method')?.toUpperCase() ?? null,
    path: fields.text('path'),
    kind: required(fields.oneOf('kind', FAULT_KINDS), 'kind'),
    when: fields.oneOf('when', ['before', 'after']) ?? 'before',
    times: fields.number('times') ?? 1,
    status,
    body: fields.raw('body'),
    headers: headersOf(fields.object('headers') ?? {}),
    delayMs: fields.number('delayMs') ?? 20,
  });
  return { id };
}

export function listFaults(world: World): unknown {
  return { faults: world.faults.list() };
}

export function clearFaults(world: World): unknown {
  world.faults.clear();
  return {};
}

export function releaseFault(world: World, _call: Call, id: string): { released: number } {
  const released = world.faults.release(id);
  if (released === null) throw new ApiError(404, { message: `There is no fault '${id}'.` });
  return { released };
}

/** Names in lower case, so that they replace the usual ones. */
function headersOf(given: JsonObject): Record<string, string> {
  return Object.fromEntries(
    Object.entries(given).map(([name, value]) => [name.toLowerCase(), textOf(value)]),
  );
}
