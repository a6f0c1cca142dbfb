import type { Context } from '../context.js';
import { badUserInput } from '../models/errors.js';
import { apiOfReportTypeId, apiOfRunId } from '../models/ids.js';
import type { ReportRun } from '../models/report-run.js';
import { quote } from './quote.js';
import { findReportType, type ReportTypeReference } from './report-type.js';

/** Whatever has an id of Stripe's. */
export type Node = ReportRun | ReportTypeReference;

const MAX_IDS = 100;

/** The name of the type a node has; its id tells. */
export function nodeTypeName(node: unknown): string | null {
  if (typeof node !== 'object' || node === null || !('id' in node) || typeof node.id !== 'string')
    return null;
  const runApi = apiOfRunId(node.id);
  if (runApi !== null) return `ReportRun${runApi}`;
  const typeApi = apiOfReportTypeId(node.id);
  return typeApi === null ? null : `ReportType${typeApi}`;
}

/** `Query.node`. Null where Stripe knows no such object. */
export async function readNode(
  _root: unknown,
  { id }: { readonly id: string },
  context: Context,
): Promise<Node | null> {
  if (apiOfRunId(id) === null && apiOfReportTypeId(id) === null) {
    throw badUserInput(`\`id\` must be the id of a report run or a report type, but is ${quote(id)}.`);
  }
  return findNode(id, context);
}

/** `Query.nodes`. One promise per id, so that one that fails leaves the others standing. */
export function readNodes(
  _root: unknown,
  { ids }: { readonly ids: readonly string[] },
  context: Context,
): Promise<Node | null>[] {
  if (ids.length > MAX_IDS) {
    throw badUserInput(`\`ids\` takes at most ${MAX_IDS} ids, but has ${ids.length}.`);
  }
  return ids.map((id) => findNode(id, context));
}

/** Null for an id that is malformed or that Stripe does not know. */
async function findNode(id: string, context: Context): Promise<Node | null> {
  return apiOfRunId(id) === null ? findReportType(id, context) : context.loaders.reportRun.load(id);
}
