import { expect, test } from 'vitest';
import type { CreateReportRunOutcome, CreateReportRunRequest } from '../../src/models/create-report-run.js';
import { GatewayError, UpstreamError } from '../../src/models/errors.js';
import type { ReportType } from '../../src/models/report-type.js';
import { execute, FEES, runV1, runV2, SUMMARY, services } from './support.js';

const CREATE = `mutation ($input: CreateReportRunInput!) {
  createReportRun(input: $input) { reportRun { __typename id } userErrors { __typename message path ... on ConcurrentRunLimitError { runsInProgress } } }
}`;
const DONE: CreateReportRunOutcome = { reportRun: runV1('frr_1'), userErrors: [] };
const START = '2026-02-01T00:00:00Z';
const END = '2026-03-01T00:00:00Z';

interface Options {
  readonly outcome?: CreateReportRunOutcome;
  readonly types?: readonly ReportType[];
  readonly catalogue?: () => Promise<ReportType | null>;
}

/** Runs the mutation and tells what reached Stripe's side of it. */
async function create(input: unknown, { outcome = DONE, types = [SUMMARY, FEES], catalogue }: Options = {}) {
  const created: { request: CreateReportRunRequest; key: string | null }[] = [];
  const waits: number[] = [];
  const read: string[] = [];
  const given = services({
    createReportRun: async (request, key, waitForSlot) => {
      created.push({ request, key });
      waits.push(waitForSlot);
      return outcome;
    },
    reportTypes: {
      read: async (id) => {
        read.push(id);
        return catalogue ? catalogue() : (types.find((type) => type.id === id) ?? null);
      },
    },
  });
  const { data, errors } = await execute(given, CREATE, { input });
  return { payload: data?.createReportRun, errors, created, waits, read };
}

/** The one problem with an input that nothing was started for. */
async function problem(input: unknown, options: Options = {}): Promise<{ path: string[]; message: string }> {
  const { payload, errors, created } = await create(input, options);
  expect(errors).toEqual([]);
  expect(created).toEqual([]);
  expect(payload.reportRun).toBeNull();
  expect(payload.userErrors).toEqual([
    { __typename: 'InvalidInputError', message: expect.any(String), path: expect.any(Array) },
  ]);
  const { path, message } = payload.userErrors[0];
  return { path, message };
}

function v1(parameters: Record<string, unknown>, rest: Record<string, unknown> = {}) {
  return { v1: { reportType: 'balance.summary.1', parameters, ...rest } };
}

function v2(parameters: Record<string, unknown>, rest: Record<string, unknown> = {}) {
  const interval = { interval_start: START, interval_end: END };
  return { v2: { report: 'report_fees', parameters: { ...interval, ...parameters }, ...rest } };
}

test('a v1 input is put in Stripe’s words: seconds, snake case, and other parameters beside them', async () => {
  const { payload, errors, created } = await create(
    v1(
      {
        intervalStart: '2026-02-01T01:00:00+01:00',
        intervalEnd: '2026-03-01T00:00:00.000Z',
        columns: ['net', 'payment_metadata[order]'],
        connectedAccount: 'acct_2',
        currency: 'eur',
        payout: 'po_1',
        reportingCategory: 'charge',
        timezone: 'Europe/Vienna',
        other: { decimal_separator: ',', connected_accounts: ['acct_3', 'acct_4'], flag: true, number: 3 },
      },
      { idempotencyKey: 'my key' },
    ),
    { types: [{ ...SUMMARY, defaultColumns: ['net'] }] },
  );
  expect(errors).toEqual([]);
  expect(payload).toEqual({ reportRun: { __typename: 'ReportRunV1', id: 'frr_1' }, userErrors: [] });
  expect(created).toEqual([
    {
      key: 'my key',
      request: {
        api: 'V1',
        reportType: 'balance.summary.1',
        parameters: {
          interval_start: Date.parse(START) / 1000,
          interval_end: Date.parse(END) / 1000,
          columns: ['net', 'payment_metadata[order]'],
          connected_account: 'acct_2',
          currency: 'eur',
          payout: 'po_1',
          reporting_category: 'charge',
          timezone: 'Europe/Vienna',
          decimal_separator: ',',
          connected_accounts: ['acct_3', 'acct_4'],
          flag: true,
          number: 3,
        },
      },
    },
  ]);
});

test('what is left out or null is not sent', async () => {
  const nothing = { api: 'V1', reportType: 'balance.summary.1', parameters: {} };
  for (const input of [
    { v1: { reportType: 'balance.summary.1' } },
    { v1: { reportType: 'balance.summary.1', parameters: null, idempotencyKey: null } },
    v1({ intervalStart: null, columns: null, timezone: null, other: null }),
  ]) {
    expect((await create(input)).created).toEqual([{ key: null, request: nothing }]);
  }
});

test('a v2 input hands its parameters on as they came', async () => {
  const parameters = { interval_start: START, interval_end: END, currency: 'eur', columns: ['id', 'fee'] };
  const outcome = { reportRun: runV2('reprun_1'), userErrors: [] };
  const { payload, created } = await create(v2(parameters, { resultOptions: { compressFile: true } }), {
    outcome,
  });
  expect(payload).toEqual({ reportRun: { __typename: 'ReportRunV2', id: 'reprun_1' }, userErrors: [] });
  expect(created).toEqual([
    { key: null, request: { api: 'V2', report: 'report_fees', parameters, compressFile: true } },
  ]);
  const defaulted = await create(v2({}, { resultOptions: {} }));
  expect(defaulted.created[0]?.request).toMatchObject({ compressFile: false });
  expect((await create(v2({}))).created[0]?.request).toMatchObject({ compressFile: null });
});

test('literals are taken like variables', async () => {
  const created: CreateReportRunRequest[] = [];
  const given = services({
    createReportRun: async (request) => {
      created.push(request);
      return DONE;
    },
    reportTypes: { read: async () => FEES },
  });
  const { errors } = await execute(
    given,
    `mutation ($currency: String) {
      createReportRun(input: { v2: { report: "report_fees", parameters: {
        interval_start: "${START}", interval_end: "${END}", currency: $currency, columns: ["id"]
      } } }) { userErrors { message } }
    }`,
  );
  expect(errors).toEqual([]);
  expect(created).toEqual([
    {
      api: 'V2',
      report: 'report_fees',
      parameters: { interval_start: START, interval_end: END, columns: ['id'] },
      compressFile: null,
    },
  ]);
});

test('a v1 time with a fraction of a second is refused', async () => {
  expect(await problem(v1({ intervalStart: '2026-02-01T00:00:00.500Z' }))).toEqual({
    path: ['v1', 'parameters', 'intervalStart'],
    message: 'Stripe takes whole seconds in v1, but `intervalStart` is 2026-02-01T00:00:00.500Z.',
  });
  expect((await problem(v1({ intervalEnd: '2026-02-01T00:00:00.001Z' }))).path.at(-1)).toBe('intervalEnd');
});

test('a v1 interval outside the data of the report type is refused with what there is', async () => {
  expect(await problem(v1({ intervalStart: '2025-12-31T23:59:59Z', intervalEnd: END }))).toEqual({
    path: ['v1', 'parameters', 'intervalStart'],
    message:
      'Data for balance.summary.1 is available from 2026-01-01T00:00:00.000Z to 2026-10-01T00:00:00.000Z, but `intervalStart` is 2025-12-31T23:59:59.000Z.',
  });
  expect(await problem(v1({ intervalStart: START, intervalEnd: '2026-10-01T00:00:01Z' }))).toMatchObject({
    path: ['v1', 'parameters', 'intervalEnd'],
    message: expect.stringMatching(
      /available from 2026-01-01.* to 2026-10-01.*`intervalEnd` is 2026-10-01T00:00:01/,
    ),
  });
  const whole = v1({ intervalStart: '2026-01-01T00:00:00Z', intervalEnd: '2026-10-01T00:00:00Z' });
  expect((await create(whole)).created).toHaveLength(1);
});

test('an interval that ends before or when it starts is refused in both APIs', async () => {
  for (const end of [START, '2026-01-15T00:00:00Z']) {
    expect((await problem(v1({ intervalStart: START, intervalEnd: end }))).path).toEqual([
      'v1',
      'parameters',
      'intervalEnd',
    ]);
    expect((await problem(v2({ interval_end: end }))).path).toEqual(['v2', 'parameters', 'interval_end']);
  }
});

test('a v1 report type that is not in the catalogue is left to Stripe, which knows of types for live data only', async () => {
  const { created } = await create({ v1: { reportType: 'no.such.1' } });
  expect(created).toMatchObject([{ request: { reportType: 'no.such.1' } }]);
});

test('an unknown v2 report, and a malformed or other API’s report type is refused, the malformed ones without asking', async () => {
  expect(await problem({ v2: { report: 'report_none' } })).toEqual({
    path: ['v2', 'report'],
    message: 'Stripe has no report "report_none".',
  });
  for (const id of ['', 'balance summary', 'report_fees', '../frr_1']) {
    const { payload, read } = await create({ v1: { reportType: id } });
    expect(payload.userErrors).toMatchObject([{ path: ['v1', 'reportType'] }]);
    expect(read).toEqual([]);
  }
  expect((await problem({ v2: { report: 'balance.summary.1' } })).path).toEqual(['v2', 'report']);
});

test('columns of a type whose columns cannot be chosen, and empty values, are refused', async () => {
  expect((await problem(v1({ columns: ['net'] }))).message).toMatch(
    /^Columns cannot be chosen for balance\.summary\.1/,
  );
  const chosen = { types: [{ ...SUMMARY, defaultColumns: ['net'] }] };
  expect((await create(v1({ columns: ['net'] }), chosen)).created).toHaveLength(1);
  expect((await problem(v1({ columns: [] }), chosen)).path).toEqual(['v1', 'parameters', 'columns']);
  expect((await problem(v1({ timezone: '' }))).path).toEqual(['v1', 'parameters', 'timezone']);
});

test('other parameters may neither shadow a field nor be anything a form cannot carry', async () => {
  expect(await problem(v1({ other: { interval_start: 1 } }))).toEqual({
    path: ['v1', 'parameters', 'other', 'interval_start'],
    message: '`interval_start` has a field of its own: give it as `intervalStart`.',
  });
  for (const other of [
    { a: { b: 1 } },
    { a: null },
    { a: [] },
    { a: [null] },
    { a: [[1]] },
    { a: '' },
    { a: ['x', ''] },
    { 'a][b': 1 },
    { A: 1 },
  ]) {
    expect((await problem(v1({ other }))).path).toEqual(['v1', 'parameters', 'other', Object.keys(other)[0]]);
  }
});

test('a v2 parameter that is missing, unknown or outside its definition is refused by name', async () => {
  const at = async (parameters: Record<string, unknown>) => {
    const { path, message } = await problem(v2(parameters));
    expect(path.slice(0, 2)).toEqual(['v2', 'parameters']);
    return `${path[2]}: ${message}`;
  };
  expect(await at({ interval_end: null })).toBe(
    'interval_end: The report needs the parameter `interval_end`.',
  );
  expect(await at({ nonsense: 1 })).toBe(
    'nonsense: The report has no parameter "nonsense": it takes interval_start, interval_end, currency, columns.',
  );
  expect(await at({ interval_start: '2025-12-31T23:59:59Z' })).toMatch(
    /^interval_start: .* before 2026-01-01T00:00/,
  );
  expect(await at({ interval_end: '2026-10-01T00:00:00.001Z' })).toMatch(
    /^interval_end: .* after 2026-10-01T00:00/,
  );
  expect(await at({ interval_end: 1_772_323_200 })).toMatch(/^interval_end: .* must be an instant/);
  expect(await at({ currency: 'gbp' })).toBe('currency: `currency` takes eur, usd, but was given "gbp".');
  expect(await at({ columns: ['id', 'net'] })).toMatch(
    /^columns: `columns` takes id, fee, but was given "net"/,
  );
  expect(await at({ columns: 'id' })).toMatch(/^columns: `columns` must be a list/);
  expect(
    (await problem({ v2: { report: 'report_fees', parameters: { interval_start: START } } })).path[2],
  ).toBe('interval_end');
});

test('everything there is to correct comes at once', async () => {
  const { payload } = await create(
    v1(
      { intervalStart: '2020-01-01T00:00:00.5Z', columns: ['net'], other: { a: {} } },
      { idempotencyKey: '' },
    ),
  );
  expect(payload.userErrors.map(({ path }: { path: string[] }) => path.at(-1)).toSorted()).toEqual([
    'a',
    'columns',
    'idempotencyKey',
    'intervalStart',
    'intervalStart',
  ]);
});

test('an idempotency key has 1 to 255 printable ASCII characters', async () => {
  for (const idempotencyKey of ['', 'x'.repeat(256), 'tab\t', 'schlüssel']) {
    expect((await problem(v1({}, { idempotencyKey }))).path).toEqual(['v1', 'idempotencyKey']);
    expect((await problem(v2({}, { idempotencyKey }))).path).toEqual(['v2', 'idempotencyKey']);
  }
  const longest = '~'.repeat(255);
  expect((await create(v1({}, { idempotencyKey: longest }))).created[0]?.key).toBe(longest);
});

test('input takes exactly one of v1 and v2', async () => {
  for (const input of [{}, { v1: null }, { ...v1({}), ...v2({}) }, { ...v1({}), v2: null }]) {
    const { payload, errors, created } = await create(input);
    expect(payload).toBeUndefined();
    expect(errors).toMatchObject([{ code: 'BAD_USER_INPUT' }]);
    expect(created).toEqual([]);
  }
});

test('where the catalogue cannot be read Stripe decides', async () => {
  for (const error of [
    new UpstreamError('unavailable', 'Stripe is away.'),
    new UpstreamError('contract', 'Stripe answered nonsense.'),
    new GatewayError('UPSTREAM_RATE_LIMITED', 'Too much is asked.'),
  ]) {
    const { payload, created } = await create(v1({ intervalStart: '2001-01-01T00:00:00Z' }), {
      catalogue: () => Promise.reject(error),
    });
    expect(created).toHaveLength(1);
    expect(payload.userErrors).toEqual([]);
  }
});

test('a key that Stripe does not accept ends the mutation before the POST', async () => {
  const catalogues = [
    [new UpstreamError('unauthenticated', 'No.', { requestId: 'req_1' }), 'UNAUTHENTICATED'],
    [new UpstreamError('forbidden', 'No.', { requestId: 'req_1' }), 'FORBIDDEN'],
    [new GatewayError('FORBIDDEN', 'No.', { stripeRequestId: 'req_1' }), 'FORBIDDEN'],
  ] as const;
  for (const [error, code] of catalogues) {
    const { created, errors } = await create(v1({}), { catalogue: () => Promise.reject(error) });
    expect(created).toEqual([]);
    expect(errors).toMatchObject([{ code, extensions: { stripeRequestId: 'req_1' } }]);
  }
  const { errors } = await create(v1({}), { catalogue: () => Promise.reject(new TypeError('a bug')) });
  expect(errors).toMatchObject([{ code: 'INTERNAL_SERVER_ERROR' }]);
});

test('what Stripe has refused comes as the type of its kind', async () => {
  const kinds = ['InvalidInput', 'LiveModeRequired', 'IdempotencyConflict'] as const;
  const simple = kinds.map((kind) => ({ kind, message: `${kind}.`, path: null }));
  const full = { kind: 'ConcurrentRunLimit', message: 'Full.', path: null, runsInProgress: 5 } as const;
  const { payload } = await create(v1({}), { outcome: { reportRun: null, userErrors: [...simple, full] } });
  expect(payload).toEqual({
    reportRun: null,
    userErrors: [
      ...kinds.map((kind) => ({ __typename: `${kind}Error`, message: `${kind}.`, path: null })),
      { __typename: 'ConcurrentRunLimitError', message: 'Full.', path: null, runsInProgress: 5 },
    ],
  });
});

test('how long to wait for a slot is 0 to 30 seconds, 0 unless told, and is no part of the request', async () => {
  for (const [waitForSlot, expected] of [
    [undefined, 0],
    [0, 0],
    [30, 30],
  ] as const) {
    const { waits, created } = await create(v2({}, { waitForSlot }));
    expect(waits).toEqual([expected]);
    expect(JSON.stringify(created)).not.toContain('waitForSlot');
  }
  for (const waitForSlot of [-1, 31]) {
    const { created, errors } = await create(v2({}, { waitForSlot }));
    expect(created).toEqual([]);
    expect(errors).toMatchObject([
      {
        code: 'BAD_USER_INPUT',
        message: `\`input.v2.waitForSlot\` must be 0 to 30 seconds, but is ${waitForSlot}.`,
      },
    ]);
  }
});

test('an outcome that is unknown names the key to repeat the mutation with', async () => {
  const given = services({
    createReportRun: () =>
      Promise.reject(
        new GatewayError('UPSTREAM_UNAVAILABLE', 'It may have started.', {
          outcome: 'UNKNOWN',
          idempotencyKey: 'k',
        }),
      ),
    reportTypes: { read: async () => SUMMARY },
  });
  const { data, errors } = await execute(given, CREATE, { input: v1({}) });
  expect(data).toBeNull();
  expect(errors).toMatchObject([
    { extensions: { code: 'UPSTREAM_UNAVAILABLE', outcome: 'UNKNOWN', idempotencyKey: 'k' } },
  ]);
});
