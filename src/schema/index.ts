import './scalars.js';
import './enums.js';
import './node.js';
import './report-run.js';
import './report-run-v1.js';
import './report-run-v2.js';
import './report-run-result.js';
import './report-rows.js';
import './report-rows.js';
import './report-type.js';
import './report-runs.js';
import './create-report-run.js';
import './user-error.js';
import './report-run-updated.js';
import './report-runs-updated.js';
import { builder } from './builder.js';
import { buildSchema, toClientSchema } from './subgraph.js';

builder.queryType({ description: 'What can be read.' });
builder.mutationType({ description: 'What can be changed.' });
builder.subscriptionType({ description: 'What can be followed.' });

/** The schema the server executes. */
export const schema = buildSchema();

/** The schema as a client sees it, without what only routers use. */
export const clientSchema = toClientSchema(schema);

export { createLoaders } from '../resolvers/loaders.js';
