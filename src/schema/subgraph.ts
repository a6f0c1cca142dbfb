import { printSubgraphSchema } from '@apollo/subgraph';
import { type GraphQLFieldResolver, GraphQLObjectType, GraphQLSchema } from 'graphql';
import type { Context } from '../context.js';
import { requireRepresentations } from '../resolvers/entities.js';
import { builder } from './builder.js';

/** The executable schema: what clients see, and `_entities` and `_service` for routers. */
export function buildSchema(): GraphQLSchema {
  const schema = builder.toSubGraphSchema({ linkUrl: 'https://specs.apollo.dev/federation/v2.6' });
  // Another Relay subgraph has a `Query.node` of its own, and a router cannot look into ours for its fields.
  const sdl = printSubgraphSchema(withoutQueries(schema, ['node', 'nodes']));
  const { _service, _entities } = queryType(schema).getFields();
  if (_service === undefined || _entities?.resolve === undefined) {
    throw new Error('The federation plugin built no _service or no _entities field.');
  }
  _service.resolve = () => ({ sdl });
  _entities.resolve = guardEntities(_entities.resolve, entityNames(schema));
  return schema;
}

/** The same types without the router's fields: what schema.graphql shows. */
export function toClientSchema(schema: GraphQLSchema): GraphQLSchema {
  return withoutQueries(schema, ['_entities', '_service']);
}

function guardEntities(
  resolve: GraphQLFieldResolver<unknown, Context>,
  typeNames: ReadonlySet<string>,
): GraphQLFieldResolver<unknown, Context> {
  return (root, args: { readonly representations: readonly unknown[] }, context, info) => {
    requireRepresentations(args.representations, typeNames);
    return resolve(root, args, context, info);
  };
}

/** Names of the types a reference may have: those with a resolveReference, interfaces among them. */
function entityNames(schema: GraphQLSchema): ReadonlySet<string> {
  const types = Object.values(schema.getTypeMap());
  return new Set(types.filter((type) => type.extensions['apollo'] !== undefined).map(({ name }) => name));
}

function withoutQueries(schema: GraphQLSchema, names: readonly string[]): GraphQLSchema {
  const { fields, ...config } = queryType(schema).toConfig();
  const kept = Object.entries(fields).filter(([name]) => !names.includes(name));
  // The directives plugin has left an AST with all fields, which @apollo/subgraph would print instead of ours.
  const query = new GraphQLObjectType({ ...config, astNode: null, fields: Object.fromEntries(kept) });
  // Types that only the left-out fields need are federation's own, and start with an underscore.
  const types = schema.toConfig().types.filter(({ name }) => name !== query.name && !name.startsWith('_'));
  return new GraphQLSchema({ ...schema.toConfig(), query, types });
}

function queryType(schema: GraphQLSchema): GraphQLObjectType {
  const type = schema.getQueryType();
  if (!type) throw new Error('The schema has no Query type.');
  return type;
}
