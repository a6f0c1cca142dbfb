// Prints schema.graphql (for clients) and subgraph.graphql (for routers) from the compiled schema.
// With --check it writes nothing: it fails if a file is stale, and says which changes would break clients.
import { readFileSync, writeFileSync } from 'node:fs';
import { buildSchema, findBreakingChanges, graphql, printSchema } from 'graphql';
import { clientSchema, schema } from '../dist/schema/index.js';

const { data, errors } = await graphql({ schema, source: '{ service: _service { sdl } }' });
if (errors) throw errors[0];

const printed = {
  'schema.graphql': `${printSchema(clientSchema)}\n`,
  'subgraph.graphql': `${data.service.sdl.trimEnd()}\n`,
};
const check = process.argv.includes('--check');

for (const [name, text] of Object.entries(printed)) {
  const path = new URL(`../${name}`, import.meta.url);
  if (!check) {
    writeFileSync(path, text);
    continue;
  }
  const committed = read(path);
  if (committed === text) continue;
  process.exitCode = 1;
  complain(`${name} is not what the code prints: run \`npm run build && npm run schema\` and commit it.`);
  if (name === 'schema.graphql' && committed !== '') report(committed);
}

function read(path) {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    if (error.code === 'ENOENT') return '';
    throw error;
  }
}

function report(committed) {
  for (const { type, description } of findBreakingChanges(buildSchema(committed), clientSchema)) {
    complain(`  breaks clients (${type}): ${description}`);
  }
}

function complain(sentence) {
  process.stderr.write(`${sentence}\n`);
}
