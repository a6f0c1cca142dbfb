import { invalid } from './errors.js';
import type { JsonObject, JsonValue } from './json.js';

type Tree = Map<string, Tree | string>;

/**
 * Decodes v1's form encoding, of a body or a query: `a[b]=1` nests, `a[]=1` and `a[0]=1` make arrays. All leaves are
 * strings. Throws a 400 where a name is used both for a value and for a container.
 */
export function decodeForm(text: string): JsonObject {
  const root: Tree = new Map();
  for (const [name, value] of new URLSearchParams(text)) place(root, pathOf(name), value, name);
  return objectOf(root);
}

function pathOf(name: string): string[] {
  const open = name.indexOf('[');
  if (open <= 0 || !name.endsWith(']')) return [name];
  return [name.slice(0, open), ...name.slice(open + 1, -1).split('][')];
}

function place(root: Tree, path: readonly string[], value: string, name: string): void {
  let node = root;
  for (const [depth, part] of path.entries()) {
    const key = part === '' && depth > 0 ? String(node.size) : part;
    const present = node.get(key);
    if (depth === path.length - 1) {
      if (present instanceof Map)
        throw invalid(`Invalid parameter: ${name} is both a value and a hash.`, { param: name });
      node.set(key, value);
      return;
    }
    if (typeof present === 'string')
      throw invalid(`Invalid parameter: ${name} is both a value and a hash.`, { param: name });
    const child: Tree = present ?? new Map();
    node.set(key, child);
    node = child;
  }
}

function objectOf(tree: Tree): JsonObject {
  return Object.fromEntries([...tree].map(([key, value]) => [key, leafOf(value)]));
}

function leafOf(node: Tree | string): JsonValue {
  if (typeof node === 'string') return node;
  const keys = [...node.keys()];
  if (!keys.every((key) => /^\d{1,4}$/.test(key))) return objectOf(node);
  keys.sort((a, b) => Number(a) - Number(b));
  return keys.map((key) => leafOf(node.get(key) ?? ''));
}
