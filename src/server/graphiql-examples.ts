/** One tab of GraphiQL; its title is the operation's name. */
export interface ExampleTab {
  readonly query: string;
  /** JSON. */
  readonly variables: string;
}

/** Operations that run as they stand, in the order in which one would try them. `today` is at midnight UTC. */
export function exampleTabs(today: Date): ExampleTab[] {
  const start = monthStart(today, -2);
  const end = monthStart(today, -1);
  return [
    {
      query: LIST,
      variables: json({ first: 10, filter: { status: ['RUNNING', 'SUCCEEDED', 'FAILED'] } }),
    },
    { query: LOOK_UP, variables: json({ id: PLACEHOLDER_ID }) },
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
    { query: SUBSCRIBE, variables: json({ id: PLACEHOLDER_ID }) },
  ];
}

/** A whole calendar month that ended weeks ago: Stripe has prepared its data. */
function monthStart(today: Date, offset: number): string {
  return new Date(Date.UTC(today.getUTCFullYear(), today.getUTCMonth() + offset, 1)).toISOString();
}

function json(value: unknown): string {
  return JSON.stringify(value, null, 2);
}

/** Well formed, so that the answer is "no such run" and not a complaint. */
const PLACEHOLDER_ID = 'frr_put_an_id_from_the_other_tabs_here';

const LIST = `# Runs of both Stripe APIs, newest first. Put pageInfo.endCursor into "after" for the next page.
query ListReportRuns($first: Int, $after: String, $filter: ReportRunFilter) {
  reportRuns(first: $first, after: $after, filter: $filter) {
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

const LOOK_UP = `# One run by Stripe's id, with a link to its file that needs no Stripe key.
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

const CREATE_V1 = `# Starts a run with Stripe's v1 API. Follow it in the tab FollowReportRun with the id you get.
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

const CREATE_V2 = `# Starts a run with Stripe's v2 API. Its parameters are those the report defines.
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

const SUBSCRIBE = `# The run as it is now, then each change, over a WebSocket, until it has ended.
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
