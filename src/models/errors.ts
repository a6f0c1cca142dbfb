/** What went wrong between us and Stripe. */
export type UpstreamErrorKind =
  /** 401: Stripe does not accept the key. */
  | 'unauthenticated'
  /** 403: the key may not do this. */
  | 'forbidden'
  /** 404: no such object, or none this key can see. */
  | 'not_found'
  /** 400 and other 4xx: Stripe refuses the request as it stands. */
  | 'invalid'
  /** 409: the same request, or one under the same idempotency key, is still in progress. */
  | 'conflict'
  /** 429. */
  | 'rate_limited'
  /** 5xx, a time-out, a broken connection or a truncated answer. */
  | 'unavailable'
  /** An answer that is not what Stripe's API promises. */
  | 'contract';

export interface UpstreamErrorDetails {
  /** HTTP status; null where no answer came. */
  readonly status?: number | null;
  /** Stripe's `request-id`, for its support; null where no answer came. */
  readonly requestId?: string | null;
  /** Stripe's machine-readable word, such as `report_run_rate_limit_exceeded`. */
  readonly code?: string | null;
  /** The parameter Stripe names, such as `parameters.interval_start`. */
  readonly param?: string | null;
  /** Whether a POST that failed so can have had an effect. `none` only where that is certain. */
  readonly effect?: 'none' | 'unknown';
  /** Whether the answer is one Stripe had stored under the idempotency key (`idempotent-replayed: true`). */
  readonly replayed?: boolean;
  /** Whole seconds after which it is worth another try; null where that is not known. */
  readonly retryAfter?: number | null;
}

/** Thrown by the data sources, and by nothing else. Its message is safe to show: it has no URL, header, key or stack. */
export class UpstreamError extends Error {
  override readonly name = 'UpstreamError';
  readonly kind: UpstreamErrorKind;
  readonly status: number | null;
  readonly requestId: string | null;
  readonly code: string | null;
  readonly param: string | null;
  readonly effect: 'none' | 'unknown';
  readonly replayed: boolean;
  readonly retryAfter: number | null;

  constructor(kind: UpstreamErrorKind, message: string, details: UpstreamErrorDetails = {}) {
    super(message);
    this.kind = kind;
    this.status = details.status ?? null;
    this.requestId = details.requestId ?? null;
    this.code = details.code ?? null;
    this.param = details.param ?? null;
    this.effect = details.effect ?? 'unknown';
    this.replayed = details.replayed ?? false;
    this.retryAfter = details.retryAfter ?? null;
  }
}

/** The codes a client finds in `extensions.code`. */
export type GatewayErrorCode =
  | 'BAD_USER_INPUT'
  | 'NOT_FOUND'
  | 'UNAUTHENTICATED'
  | 'FORBIDDEN'
  | 'HISTORY_INCOMPLETE'
  | 'ROWS_UNAVAILABLE'
  | 'UPSTREAM_UNAVAILABLE'
  | 'UPSTREAM_RATE_LIMITED'
  | 'UPSTREAM_CONTRACT'
  | 'INTERNAL_SERVER_ERROR';

/** An error that is meant for the client. Whatever else is thrown is masked as INTERNAL_SERVER_ERROR. */
export class GatewayError extends Error {
  override readonly name = 'GatewayError';
  readonly code: GatewayErrorCode;
  /** What goes beside `code` into `extensions`, such as `stripeRequestId`, `retryAfter`, `outcome` or `idempotencyKey`. */
  readonly extensions: Readonly<Record<string, string | number>>;

  constructor(
    code: GatewayErrorCode,
    message: string,
    extensions: Readonly<Record<string, string | number>> = {},
  ) {
    super(message);
    this.code = code;
    this.extensions = extensions;
  }
}

/** An argument or scalar the client can mend. */
export function badUserInput(message: string): GatewayError {
  return new GatewayError('BAD_USER_INPUT', message);
}

/** What a failure upstream is to the client. */
export function toGatewayError(error: UpstreamError): GatewayError {
  const { requestId, retryAfter } = error;
  const extensions = {
    ...(requestId === null ? {} : { stripeRequestId: requestId }),
    ...(retryAfter === null ? {} : { retryAfter }),
  };
  return new GatewayError(codeOf(error.kind), error.message, extensions);
}

function codeOf(kind: UpstreamErrorKind): GatewayErrorCode {
  switch (kind) {
    case 'unauthenticated':
      return 'UNAUTHENTICATED';
    case 'forbidden':
      return 'FORBIDDEN';
    case 'not_found':
      return 'NOT_FOUND';
    case 'rate_limited':
      return 'UPSTREAM_RATE_LIMITED';
    case 'conflict':
    case 'unavailable':
      return 'UPSTREAM_UNAVAILABLE';
    case 'invalid':
    case 'contract':
      return 'UPSTREAM_CONTRACT';
    default:
      return kind satisfies never;
  }
}
