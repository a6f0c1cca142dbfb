// The texts of GraphiQL's tabs, each with a comment that says what to do with it.

export const LIST = `# Runs of both Stripe APIs, newest first.
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

export const LOOK_UP = `# One run by Stripe's id. The link to its file
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

export const ROWS = `# The first rows of a run's file. For the next
# ones, add after: "<endCursor>".
query ReadReportRows($id: ID!) {
  reportRun(id: $id) {
    result {
      file {
        rowCount
        columns {
          name
          type
        }
        rows(first: 5) {
          nodes {
            values
          }
          pageInfo {
            hasNextPage
            endCursor
          }
        }
      }
    }
  }
}
`;

export const CREATE_V1 = `# Starts a run with Stripe's v1 API. Put its id
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

export const CREATE_V2 = `# Starts a run with Stripe's v2 API. A report
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

export const FOLLOW = `# The run as it is now, then each change over a
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

export const WATCH = `# Every new run and every change, over one
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
