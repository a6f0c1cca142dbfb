import type {
  ReportFileContentType as ContentType,
  ReportRunResultType as ResultType,
  ReportRunStatus as Status,
  StripeApi as Api,
} from '../models/report-run.js';
import { builder } from './builder.js';

type Values<Value extends string> = Record<Value, { readonly description: string }>;

export const StripeApi = builder.enumType('StripeApi', {
  description: 'Which of Stripe’s two report-run APIs something belongs to.',
  values: {
    V1: {
      description:
        '`/v1/reporting`: report types such as `balance.summary.1`, files that are kept for about a year.',
    },
    V2: {
      description:
        '`/v2/reporting`: reports with an id `report_…`, JSON parameters, optionally compressed files.',
    },
  } satisfies Values<Api>,
});

export const ReportRunStatus = builder.enumType('ReportRunStatus', {
  description: 'How far a run is. RUNNING becomes one of the other two, which never change again.',
  values: {
    RUNNING: {
      description: 'Stripe is still working on it; its own word is `pending` in v1 and `running` in v2.',
    },
    SUCCEEDED: { description: 'It ended with a `result`.' },
    FAILED: { description: 'It ended without a result; `failure` says why.' },
  } satisfies Values<Status>,
});

export const ReportRunResultType = builder.enumType('ReportRunResultType', {
  description: 'The form in which a run gives its result.',
  values: {
    FILE: { description: 'A file to download.' },
    OTHER: { description: 'A form Stripe has added since this schema was made.' },
  } satisfies Values<ResultType>,
});

export const ReportFileContentType = builder.enumType('ReportFileContentType', {
  description: 'What is in a report’s file.',
  values: {
    CSV: { description: 'Comma-separated values with a header line, `text/csv`.' },
    ZIP: { description: 'A ZIP archive with the CSV in it, `application/zip`.' },
    OTHER: {
      description: 'A type Stripe has added since this schema was made. The file can still be downloaded.',
    },
  } satisfies Values<ContentType>,
});
