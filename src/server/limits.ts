import { EnvelopArmorPlugin } from '@escape.tech/graphql-armor';
import {
  type ASTVisitor,
  GraphQLError,
  Kind,
  NoSchemaIntrospectionCustomRule,
  OperationTypeNode,
  type SelectionSetNode,
  type ValidationContext,
} from 'graphql';
import type { Plugin } from 'graphql-yoga';

/** A request's body and a socket's message, in bytes. */
export const MAX_MESSAGE_BYTES = 100_000;

/** The deepest field there is, a cell of a row of a listed run's file, is at 8. Fragments do not count. */
const MAX_DEPTH = 12;
/** Aliases are how one document asks for many runs; `nodes(ids:)` is how it should. */
const MAX_ALIASES = 30;
/** GraphiQL's introspection takes about 300, `nodes` with 100 literal ids about 150. */
const MAX_TOKENS = 1_000;
const MAX_DIRECTIVES = 50;

/**
 * What bounds a single operation before it runs. There is no cost limit: pages are bounded by their arguments, and
 * armor's estimate would multiply a page of 100 ledger rows, which cost one query, into a refusal.
 */
export function useLimits(): Plugin {
  return EnvelopArmorPlugin({
    blockFieldSuggestion: { enabled: false },
    costLimit: { enabled: false },
    maxDepth: { ...reported('deep', MAX_DEPTH, 'levels of fields'), flattenFragments: true },
    maxAliases: reported('wide', MAX_ALIASES, 'aliases'),
    maxDirectives: reported('wide', MAX_DIRECTIVES, 'directives'),
    maxTokens: {
      n: MAX_TOKENS,
      onReject: [
        () => {
          throw new GraphQLError(`The document is too long: at most ${MAX_TOKENS} tokens are allowed.`);
        },
      ],
    },
  });
}

/** Reported like any other validation error. What armor throws by itself claims to be a syntax error. */
function reported(dimension: string, n: number, unit: string) {
  const message = `The operation is too ${dimension}: at most ${n} ${unit} are allowed.`;
  return {
    n,
    propagateOnRejection: false,
    onReject: [(context: ValidationContext | null) => context?.reportError(new GraphQLError(message))],
  };
}

/** Keeps the schema to those who have its file: no introspection, no SDL for routers, and no guesses at names in errors. */
export function useNoIntrospection(): Plugin {
  return {
    onValidate({ addValidationRule }) {
      addValidationRule(NoSchemaIntrospectionCustomRule);
      addValidationRule(noServiceSdlRule);
      return ({ valid, result, setResult }) => {
        if (!valid) setResult(result.map(withoutSuggestion));
      };
    },
  };
}

function noServiceSdlRule(context: ValidationContext): ASTVisitor {
  return {
    Field(node) {
      const isRoot = context.getParentType() === context.getSchema().getQueryType();
      if (isRoot && node.name.value === '_service') {
        context.reportError(new GraphQLError('The field "_service" is switched off here.', { nodes: node }));
      }
    },
  };
}

function withoutSuggestion(error: Error): GraphQLError {
  const message = error.message.replace(/ ?Did you mean .*$/s, '');
  if (!(error instanceof GraphQLError)) return new GraphQLError(message);
  return new GraphQLError(message, {
    nodes: error.nodes ?? null,
    originalError: error.originalError,
    extensions: error.extensions,
  });
}

/** The specification's rule, which graphql-js 16 lacks: with its field skipped, a subscription has nothing to subscribe to. */
export function useSubscriptionRule(): Plugin {
  return {
    onValidate({ addValidationRule }) {
      addValidationRule(noConditionalSubscriptionRule);
    },
  };
}

function noConditionalSubscriptionRule(context: ValidationContext): ASTVisitor {
  const refuse = (selections: SelectionSetNode, seen: Set<string>): void => {
    for (const node of selections.selections) {
      const condition = node.directives?.find(
        ({ name }) => name.value === 'skip' || name.value === 'include',
      );
      if (condition !== undefined) {
        const message = `The root field of a subscription takes no @${condition.name.value}.`;
        context.reportError(new GraphQLError(message, { nodes: condition }));
      }
      if (node.kind === Kind.INLINE_FRAGMENT) refuse(node.selectionSet, seen);
      if (node.kind !== Kind.FRAGMENT_SPREAD || seen.has(node.name.value)) continue;
      seen.add(node.name.value);
      const fragment = context.getFragment(node.name.value);
      if (fragment) refuse(fragment.selectionSet, seen);
    }
  };
  return {
    OperationDefinition(node) {
      if (node.operation === OperationTypeNode.SUBSCRIPTION) refuse(node.selectionSet, new Set());
    },
  };
}
