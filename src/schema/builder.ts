import SchemaBuilder from '@pothos/core';
import DirectivesPlugin from '@pothos/plugin-directives';
import FederationPlugin from '@pothos/plugin-federation';
import RelayPlugin from '@pothos/plugin-relay';
import type { Context } from '../context.js';
import type { CreateReportRunOutcome, UserError } from '../models/create-report-run.js';
import type { JsonObject } from '../models/json.js';
import type {
  ReportFile,
  ReportRun,
  ReportRunFailure,
  ReportRunParameters,
  ReportRunResult,
  ReportRunResultOptions,
  ReportRunV1,
  ReportRunV1Parameters,
  ReportRunV2,
} from '../models/report-run.js';
import type { ReportColumn, ReportRow } from '../models/report-rows.js';
import type { ReportParameterDefinition } from '../models/report-type.js';
import type { RunFilter } from '../models/run-page.js';
import { nodeTypeName } from '../resolvers/node.js';
import type { SignedUrl } from '../resolvers/report-file.js';
import type { ReportRowConnection, ReportRowEdge } from '../resolvers/report-rows.js';
import type { ReportTypeReference } from '../resolvers/report-type.js';

/**
 * What stands behind each type of the graph. It defines none of them: that is done, by name, in the files that
 * index.ts imports. A field cannot be null unless it says so.
 */
export const builder = new SchemaBuilder<{
  Context: Context;
  DefaultFieldNullability: false;
  DefaultEdgesNullability: false;
  DefaultNodeNullability: false;
  Connection: { readonly filter: RunFilter };
  Scalars: {
    ID: { Input: string; Output: string };
    DateTime: { Input: number; Output: number };
    BigInt: { Input: bigint; Output: bigint };
    JSONObject: { Input: JsonObject; Output: JsonObject };
    URL: { Input: string; Output: string };
  };
  Interfaces: {
    ReportRun: ReportRun;
    ReportRunParameters: ReportRunParameters;
    ReportType: ReportTypeReference;
    UserError: UserError;
  };
  Objects: {
    ReportRunV1: ReportRunV1;
    ReportRunV1Parameters: ReportRunV1Parameters;
    ReportRunV2: ReportRunV2;
    ReportRunV2Parameters: ReportRunParameters;
    ReportRunResultOptions: ReportRunResultOptions;
    ReportRunResult: ReportRunResult;
    ReportRunFailure: ReportRunFailure;
    ReportFile: ReportFile;
    SignedUrl: SignedUrl;
    ReportColumn: ReportColumn;
    ReportRow: ReportRow;
    ReportRowEdge: ReportRowEdge;
    ReportRowConnection: ReportRowConnection;
    ReportTypeV1: ReportTypeReference;
    ReportTypeV2: ReportTypeReference;
    ReportParameterDefinition: ReportParameterDefinition;
    CreateReportRunPayload: CreateReportRunOutcome;
    InvalidInputError: UserError;
    LiveModeRequiredError: UserError;
    ConcurrentRunLimitError: Extract<UserError, { kind: 'ConcurrentRunLimit' }>;
    IdempotencyConflictError: UserError;
  };
}>({
  // Directives has to come before Federation, or no key is printed.
  plugins: [RelayPlugin, DirectivesPlugin, FederationPlugin],
  defaultFieldNullability: false,
  relay: {
    idFieldOptions: {
      description: 'An id of Stripe’s; its prefix tells which kind of object it belongs to.',
    },
    // Our global ids are Stripe's own, so node.ts needs none of the plugin's encoding.
    nodeQueryOptions: false,
    nodesQueryOptions: false,
    nodesOnConnection: { description: 'The runs of this page without their cursors.' },
    edgesFieldOptions: { nullable: false, description: 'The runs of this page, each with its cursor.' },
    nodeFieldOptions: { nullable: false, description: 'The run itself.' },
    cursorFieldOptions: {
      description:
        'The place of this run in the list, for `after` and `before`. It works with the same filter only.',
    },
    pageInfoFieldOptions: { description: 'Whether there is more on either side, and where to go on.' },
    nodeTypeOptions: {
      description: 'An object that can be had again by its id alone.',
      resolveType: nodeTypeName,
    },
    pageInfoTypeOptions: { description: 'Where a page stands in its list.', shareable: true },
    hasNextPageFieldOptions: {
      description: 'Whether more follows this page. Of runs these are older ones. Exact in both directions.',
    },
    hasPreviousPageFieldOptions: {
      description:
        'Whether anything precedes this page. Of runs these are newer ones. Exact in both directions.',
    },
    startCursorFieldOptions: {
      description:
        'Give it as `before` to read the runs right before this page; rows are read forward only. Null if the page is empty.',
    },
    endCursorFieldOptions: {
      description:
        'Give it as `after` to read on. Null if the page is empty, unless part of the history has been looked through without a find: then it says how far.',
    },
    firstArgOptions: { description: 'How many to take from the front: 0 to 100. Not together with `last`.' },
    afterArgOptions: { description: 'Only what comes after this cursor, which is not included.' },
    lastArgOptions: { description: 'How many to take from the end: 0 to 100. Not together with `first`.' },
    beforeArgOptions: { description: 'Only what comes before this cursor, which is not included.' },
  },
});
