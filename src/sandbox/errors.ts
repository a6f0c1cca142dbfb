import type { JsonObject } from './json.js';

/** An answer that is not 2xx, thrown by whoever finds the reason. */
export class ApiError extends Error {
  override readonly name = 'ApiError';
  readonly status: number;
  readonly body: JsonObject;
  readonly headers: Readonly<Record<string, string>>;

  constructor(status: number, error: JsonObject & { message: string }, headers: Record<string, string> = {}) {
    super(error.message);
    this.status = status;
    this.body = { error };
    this.headers = headers;
  }
}

interface Details {
  readonly param?: string;
  readonly code?: string;
}

/** v1's 400, the request being wrong as it stands. */
export function invalid(message: string, details: Details = {}): ApiError {
  return new ApiError(400, { ...details, message, type: 'invalid_request_error' });
}

/** v1's 404. */
export function missing(what: string, id: string, param: string, status = 404): ApiError {
  const message = `No such ${what}: '${id}'`;
  return new ApiError(status, { code: 'resource_missing', message, param, type: 'invalid_request_error' });
}

/** v2's 400. `field` is the path of what is wrong in the request. */
export function invalidFields(field: string, problem: string): ApiError {
  return new ApiError(400, { code: 'invalid_fields', message: `The field ${field} is invalid: ${problem}` });
}

/** v2's 404. */
export function notFound(message: string): ApiError {
  return new ApiError(404, { code: 'not_found', message });
}

/** The error a status stands for where nothing more is known. v1 says `code` for 429 alone. */
export function errorOfStatus(status: number, v2: boolean): JsonObject {
  const { type, code, message } = knownErrors[status] ?? (status >= 500 ? serverError : requestError);
  return { error: v2 || status === 429 ? { code, message, type } : { message, type } };
}

const serverError = {
  type: 'api_error',
  code: 'api_error',
  message: 'An unknown error occurred on our side. Please try again.',
};
const requestError = {
  type: 'invalid_request_error',
  code: 'invalid_fields',
  message: 'The request was refused.',
};
const knownErrors: Readonly<Record<number, typeof serverError | undefined>> = {
  401: { type: 'invalid_request_error', code: 'unauthorized', message: 'Invalid API Key provided.' },
  403: {
    type: 'invalid_request_error',
    code: 'forbidden',
    message: 'The provided key does not have the required permissions for this endpoint.',
  },
  404: { type: 'invalid_request_error', code: 'not_found', message: 'No such object.' },
  409: {
    type: 'idempotency_error',
    code: 'idempotency_key_in_use',
    message: 'There is currently another in-progress request using this Idempotency Key.',
  },
  429: { type: 'invalid_request_error', code: 'rate_limit', message: 'Request rate limit exceeded.' },
};
