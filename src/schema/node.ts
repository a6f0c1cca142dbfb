import { readNode, readNodes } from '../resolvers/node.js';
import { builder } from './builder.js';

const Node = builder.nodeInterfaceRef();

builder.queryFields((t) => ({
  node: t.field({
    type: Node,
    nullable: true,
    description:
      'A report run or a report type by its id. Null if Stripe knows no such object; a malformed id is BAD_USER_INPUT.',
    args: {
      id: t.arg.id({
        required: true,
        description: 'An id of Stripe’s, such as `frr_…`, `reprun_…` or `balance.summary.1`.',
      }),
    },
    resolve: readNode,
  }),
  nodes: t.field({
    type: [Node],
    nullable: { list: false, items: true },
    description:
      'Several objects by their ids, in the same order. Null for each id that is malformed or unknown to Stripe; one that fails leaves the others standing.',
    args: {
      ids: t.arg.idList({ required: true, description: 'At most 100 ids. The same one may occur again.' }),
    },
    resolve: readNodes,
  }),
}));
