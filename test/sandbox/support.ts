import { afterEach } from 'vitest';
import { startSandbox } from '../../src/sandbox/server.js';
import type { Sandbox, SandboxOptions } from '../../src/sandbox/server.js';

const V2_VERSION = '2026-04-22.dahlia';
export const V1_RUNS = '/v1/reporting/report_runs';
export const V2_RUNS = '/v2/reporting/report_runs';
export const EVENTS = '/v2/core/events';

/** An answer, read whole. `body` is the parsed JSON, empty where it was none. */
export interface Reply {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
  readonly body: Json;
}

/** JSON whose shape the test knows: a wrong guess reads undefined and fails the expectation. */
export interface Json {
  readonly [key: string]: Json;
}

interface Options {
  readonly key?: string | null;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
}

const open: Sandbox[] = [];
afterEach(async () => {
  await Promise.all(open.splice(0).map((sandbox) => sandbox.close()));
});

/** A sandbox of this test alone: empty, without limits or lateness unless it asks, its clock in the test's hand. */
export async function start(options: SandboxOptions & { strict?: boolean } = {}) {
  const clock = { now: Date.UTC(2026, 4, 20, 15, 0, 0, 250) };
  const { strict = false, ...rest } = options;
  const sandbox = await startSandbox({ seed: false, now: () => clock.now, ...rest });
  open.push(sandbox);
  const client = clientOf(sandbox.origin);
  if (!strict) await client.control('POST', 'settings', { limits: false, lateRunsMs: 0, lateEventsMs: 0 });
  return { sandbox, clock, ...client };
}

/** Speaks to a sandbox. The usual key is that of `acct_a` in test mode. */
export function clientOf(origin: string) {
  async function call(
    method: string,
    path: string,
    { key = 'sk_test_a', headers = {}, body }: Options = {},
  ): Promise<Reply> {
    const reply = await fetch(path.startsWith('http') ? path : origin + path, {
      method,
      headers: {
        ...(key === null ? {} : { authorization: `Bearer ${key}` }),
        ...(path.includes('/v2/') ? { 'stripe-version': V2_VERSION } : {}),
        ...headers,
      },
      ...(body === undefined ? {} : { body }),
    });
    const sent = await reply.text();
    return { status: reply.status, headers: reply.headers, text: sent, body: parse(sent) };
  }
  return {
    call,
    get: (path: string, options?: Options) => call('GET', path, options),
    control: async (method: string, path: string, body?: unknown): Promise<Json> => {
      const reply = await call(method, `/_sandbox/${path}`, {
        key: null,
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      });
      if (reply.status !== 200)
        throw new Error(`The control endpoint answered ${reply.status}: ${reply.text}`);
      return reply.body;
    },
    createV1: (parameters: string = V1_PARAMETERS, options: Options = {}) =>
      call('POST', V1_RUNS, { ...options, body: parameters }),
    createV2: (body: object = V2_BODY, options: Options = {}) =>
      call('POST', V2_RUNS, {
        ...options,
        headers: { 'content-type': 'application/json', ...options.headers },
        body: JSON.stringify(body),
      }),
  };
}

/** A day in unix seconds. */
export const day = (year: number, month: number, date: number) => Date.UTC(year, month - 1, date) / 1000;

export const V1_PARAMETERS =
  `report_type=balance.summary.1&parameters[interval_start]=${day(2026, 4, 1)}` +
  `&parameters[interval_end]=${day(2026, 5, 1)}`;

export const V2_BODY = {
  report: 'report_test_balance_summary',
  report_parameters: { interval_start: '2026-04-01T00:00:00Z', interval_end: '2026-05-01T00:00:00.000Z' },
};

/** An array of JSON; none where it is something else, so that the expectation fails. */
export function items(list: unknown): Json[] {
  return Array.isArray(list) ? (list as Json[]) : [];
}

/** A string or a number as text; what is neither as JSON. */
export function text(value: unknown): string {
  return typeof value === 'string' ? value : JSON.stringify(value);
}

/** A link to a page, or null where there is no such page. */
export function link(value: unknown): string | null {
  return typeof value === 'string' ? value : null;
}

function parse(body: string): Json {
  try {
    return JSON.parse(body) as Json;
  } catch {
    return {};
  }
}

export type Started = Awaited<ReturnType<typeof start>>;

/** Waits until a fault holds a request. */
export async function held({ control }: Started): Promise<void> {
  for (;;) {
    const { faults } = await control('GET', 'faults');
    if (items(faults).some((fault) => Number(fault['held']) > 0)) return;
  }
}
