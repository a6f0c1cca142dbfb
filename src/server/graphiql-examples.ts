/** One tab of GraphiQL; its title is the operation's name. */
export interface ExampleTab {
  readonly query: string;
  /** JSON. */
  readonly variables: string;
}

/** What the examples are about. */
export interface ExampleOptions {
  readonly today: Date;
  /** A run to look up, and one to follow; null where there is none yet. */
  readonly ended: string | null;
  readonly running: string | null;
}

/** Well formed, so that the answer is "no such run" and not a complaint. */
const PLACEHOLDER_ID = 'frr_put_an_id_from_the_other_tabs_here';

/** Operations that run as they stand, in the order in which one would try them. */
export function exampleTabs({ today, ended, running }: ExampleOptions): ExampleTab[] {
  // A whole calendar month that ended weeks ago: Stripe has prepared its data.
  const start = monthStart(today, -2);
  const end = monthStart(today, -1);
  return [
    // GraphiQL does not fill in the variables of the tab it opens with.
    { query: LIST, variables: '' },
    { query: LOOK_UP, variables: json({ id: ended ?? PLACEHOLDER_ID }) },
    {
      query: CREATE_V1,
      variables: json({
        reportType: 'balance.summary.1',
        parameters: { intervalStart: start, intervalEnd: end, timezone: 'Etc/UTC' },
      }),
    },
    {
      query: CREATE_V2,
      variables: json({
        report: 'report_test_balance_summary',
        parameters: { interval_start: start, interval_end: end },
      }),
    },
    { query: FOLLOW, variables: json({ id: running ?? PLACEHOLDER_ID }) },
    { query: WATCH, variables: json({ filter: {} }) },
  ];
}

function monthStart(today: Date, offset: number): string {
  return new Date(Date.UTC(today.getUTCFullYear(), today.getUTCMonth() + offset, 1)).toISOString();
}

function json(value: unknown): string {
  return JSON.stringify(value, null, 2);
}

const LIST = `# Runs of both Stripe APIs, newest first.
# For the next page, add after: "<endCursor>".
query ListReportRuns {
  reportRuns(first: 10) {
    totalCount
    nodes {
      id
      api
      status
      createdAt
      reportType {
        id
        name
      }
    }
    pageInfo {
      hasNextPage
      endCursor
    }
  }
}
`;

const LOOK_UP = `# One run by Stripe's id. The link to its file
# works without a Stripe key for 300 s.
query LookUpReportRun($id: ID!) {
  reportRun(id: $id) {
    id
    api
    status
    createdAt
    finishedAt
    reportType {
      id
      name
    }
    parameters {
      intervalStart
      intervalEnd
    }
    result {
      file {
        contentType
        size
        filename
        downloadUrl(expiresIn: 300) {
          url
          expiresAt
        }
      }
    }
    failure {
      code
      message
    }
  }
}
`;

const CREATE_V1 = `# Starts a run with Stripe's v1 API. Put its id
# into the tab FollowReportRun to see it end.
mutation CreateReportRunV1($reportType: ID!, $parameters: ReportRunV1ParametersInput) {
  createReportRun(input: { v1: { reportType: $reportType, parameters: $parameters } }) {
    reportRun {
      id
      status
      createdAt
    }
    userErrors {
      message
      path
    }
  }
}
`;

const CREATE_V2 = `# Starts a run with Stripe's v2 API. A report
# defines its parameters: see reportType(id:).
mutation CreateReportRunV2($report: ID!, $parameters: JSONObject) {
  createReportRun(input: { v2: { report: $report, parameters: $parameters } }) {
    reportRun {
      id
      status
      createdAt
    }
    userErrors {
      message
      path
    }
  }
}
`;

const FOLLOW = `# The run as it is now, then each change over a
# WebSocket, until it has ended.
subscription FollowReportRun($id: ID!) {
  reportRunUpdated(id: $id) {
    id
    status
    finishedAt
    result {
      file {
        size
        downloadUrl {
          url
        }
      }
    }
    failure {
      message
    }
  }
}
`;

const WATCH = `# Every new run and every change, over one
# WebSocket: start runs in the other tabs.
subscription WatchReportRuns($filter: ReportRunFilter) {
  reportRunsUpdated(filter: $filter) {
    id
    api
    status
    createdAt
    expectedAt
    finishedAt
    isStalled
    reportType {
      id
      name
    }
  }
}
`;
