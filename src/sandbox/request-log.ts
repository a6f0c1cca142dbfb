/** A request that was answered, or dropped: then its status is 0. */
export interface LoggedRequest {
  readonly seq: number;
  /** When it came, unix ms. */
  readonly at: number;
  readonly method: string;
  readonly path: string;
  readonly query: string;
  status: number;
  account: string | null;
  mode: string | null;
  readonly idempotencyKey: string | null;
  readonly requestId: string;
  /** Whether it had an Authorization header. */
  readonly keySent: boolean;
  readonly version: string | null;
  readonly range: string | null;
  /** Bytes of the answer's body that were handed to the connection so far. */
  bytesSent: number;
}

export interface RequestLog {
  /** Numbers a request as it comes. It is listed once it is given to `add`. */
  open(request: Omit<LoggedRequest, 'seq' | 'status' | 'account' | 'mode' | 'bytesSent'>): LoggedRequest;
  /** Lists a request; doing so twice is once. */
  add(request: LoggedRequest): void;
  list(): readonly LoggedRequest[];
  clear(): void;
}

const MOST = 50_000;

export function createRequestLog(): RequestLog {
  let seq = 0;
  const entries = new Set<LoggedRequest>();
  return {
    open(request) {
      seq += 1;
      return { seq, ...request, status: 0, account: null, mode: null, bytesSent: 0 };
    },
    add(request) {
      entries.add(request);
      if (entries.size <= MOST) return;
      // A sandbox that runs for weeks must not fill the memory with its own log.
      for (const oldest of entries) {
        entries.delete(oldest);
        break;
      }
    },
    list() {
      return [...entries].sort((a, b) => a.seq - b.seq);
    },
    clear() {
      entries.clear();
    },
  };
}
