import { invalid } from '../errors.js';
import { type Content, csvOf, inMemory } from '../files/content.js';
import type { Call } from '../http.js';
import type { FileType } from '../run.js';
import type { World } from '../world.js';
import { type Fields, readFields } from './fields.js';
import { known } from './runs.js';

const TYPES: readonly FileType[] = ['csv', 'zip'];

/** Gives a run another file than the one that is made from it. */
export function giveFile(world: World, call: Call, id: string): unknown {
  const run = known(world, id);
  const fields = readFields(call.body, ['bytes', 'text', 'base64', 'contentType']);
  const content = contentOf(fields);
  run.given = { content, type: fields.oneOf('contentType', TYPES) ?? 'csv' };
  return { size: content.size };
}

function contentOf(fields: Fields): Content {
  const bytes = fields.number('bytes');
  const text = fields.text('text');
  const base64 = fields.text('base64');
  const [content, another] = [
    bytes === null ? null : csvOf(bytes),
    text === null ? null : inMemory(Buffer.from(text)),
    base64 === null ? null : inMemory(Buffer.from(base64, 'base64')),
  ].filter((given) => given !== null);
  if (content !== undefined && another === undefined) return content;
  throw invalid("One of 'bytes', 'text' and 'base64' is required.");
}
