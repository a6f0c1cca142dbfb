import { invalid } from '../errors.js';
import { type Content, csvOf, inMemory } from '../files/content.js';
import type { FileType, GivenFile } from '../run.js';
import type { Fields } from './fields.js';

export const FILE_FIELDS = ['bytes', 'text', 'base64', 'contentType'];
const TYPES: readonly FileType[] = ['csv', 'zip'];

/** The file that FILE_FIELDS describe. */
export function fileFrom(fields: Fields): GivenFile {
  return { content: contentOf(fields), type: fields.oneOf('contentType', TYPES) ?? 'csv' };
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
