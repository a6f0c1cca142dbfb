import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import {
  type CreateData,
  create,
  created,
  V1_RUNS,
  V2_RUNS,
  v1Input,
  v2Input,
} from '../create/operations.js';
import { type GraphQLAnswer, startTestGateway, type TestGateway } from '../support/gateway.js';
import { startTestSandbox, type TestSandbox } from '../support/sandbox.js';

const FEES = 'all_fees.balance_transaction_created.itemized.2';
const INTERVAL = { intervalStart: '2024-01-01T00:00:00Z', intervalEnd: '2024-02-01T00:00:00Z' };

let sandbox: TestSandbox;
let gateway: TestGateway;

beforeAll(async () => {
  sandbox = await startTestSandbox({ seed: false, runSeconds: 3600 });
  gateway = await startTestGateway({ upstream: sandbox.origin });
  // From here on the catalogues are known, and what is logged is what an input costs.
  await gateway.query('{ reportTypes { id } node(id: "report_test_balance_summary") { id } }');
});

afterAll(async () => {
  await gateway.close();
  await sandbox.close();
});

beforeEach(() => sandbox.control('DELETE', 'requests'));

/** What reached the sandbox, but for the gateway's own look-outs. */
async function asked(): Promise<string[]> {
  const requests = await sandbox.requests();
  return requests
    .filter(({ path }) => path !== '/v2/core/events' && path !== '/v1/reporting/report_types')
    .map(({ method, path }) => `${method} ${path}`);
}

function refusal(path: readonly string[] | null, message: unknown, kind = 'InvalidInputError'): CreateData {
  return {
    createReportRun: { reportRun: null, userErrors: [{ __typename: kind, message: String(message), path }] },
  };
}

describe('what is known to be wrong is said by its path, and nothing is asked of Stripe', () => {
  const until = /\d{4}-\d\d-\d\dT(?:00|12):00:00\.000Z/;
  const rows: readonly { name: string; input: object; path: readonly string[]; message: RegExp }[] = [
    {
      name: 'v1: a fraction of a second',
      input: v1Input(null, { intervalStart: '2024-01-01T00:00:00.500Z' }),
      path: ['v1', 'parameters', 'intervalStart'],
      message: /^Stripe takes whole seconds in v1, but `intervalStart` is 2024-01-01T00:00:00\.500Z\.$/,
    },
    {
      name: 'v1: an end beyond the data',
      input: v1Input(null, { intervalEnd: '2099-01-01T00:00:00Z' }),
      path: ['v1', 'parameters', 'intervalEnd'],
      message: new RegExp(
        `^Data for balance\\.summary\\.1 is available from 2022-11-09T00:00:00\\.000Z to ${until.source}, but \`intervalEnd\` is 2099-01-01T00:00:00\\.000Z\\.$`,
      ),
    },
    {
      name: 'v1: a start before the data',
      input: v1Input(null, { intervalStart: '2022-11-08T23:59:59Z' }),
      path: ['v1', 'parameters', 'intervalStart'],
      message:
        /is available from 2022-11-09T00:00:00\.000Z to .*but `intervalStart` is 2022-11-08T23:59:59\.000Z/,
    },
    {
      name: 'v1: an end before the start',
      input: v1Input(null, { intervalEnd: '2023-12-01T00:00:00Z' }),
      path: ['v1', 'parameters', 'intervalEnd'],
      message: /^`intervalEnd` must be after `intervalStart`/,
    },
    {
      name: 'v1: a malformed report type',
      input: { v1: { reportType: 'balance summary' } },
      path: ['v1', 'reportType'],
      message: /named like "balance\.summary\.1", but `reportType` is "balance summary"/,
    },
    {
      name: 'v1: an empty idempotency key',
      input: v1Input(''),
      path: ['v1', 'idempotencyKey'],
      message: /1 to 255 printable ASCII characters, but is empty/,
    },
    {
      name: 'v2: an end beyond the data',
      input: v2Input(null, { interval_end: '2099-01-01T00:00:00Z' }),
      path: ['v2', 'parameters', 'interval_end'],
      message: new RegExp(
        `^\`interval_end\` must not be after ${until.source}, but is "2099-01-01T00:00:00Z"`,
      ),
    },
    {
      name: 'v2: a start before the data',
      input: v2Input(null, { interval_start: '2022-11-08T00:00:00Z' }),
      path: ['v2', 'parameters', 'interval_start'],
      message: /^`interval_start` must not be before 2022-11-09T00:00:00\.000Z/,
    },
    {
      name: 'v2: an end before the start',
      input: v2Input(null, { interval_end: '2023-12-01T00:00:00Z' }),
      path: ['v2', 'parameters', 'interval_end'],
      message: /^`interval_end` must be after `interval_start`/,
    },
    {
      name: 'v2: a missing parameter',
      input: v2Input(null, { interval_end: null }),
      path: ['v2', 'parameters', 'interval_end'],
      message: /^The report needs the parameter `interval_end`\.$/,
    },
    {
      name: 'v2: a day that is not in the calendar',
      input: v2Input(null, { interval_start: '2024-02-30T00:00:00Z' }),
      path: ['v2', 'parameters', 'interval_start'],
      message: /^`interval_start` must be an instant like/,
    },
    {
      name: 'v2: a number where a text belongs',
      input: v2Input(null, { timezone: 5 }),
      path: ['v2', 'parameters', 'timezone'],
      message: /^`timezone` must be a string, but is 5/,
    },
    {
      name: 'v2: an unknown parameter',
      input: v2Input(null, { colour: 'red' }),
      path: ['v2', 'parameters', 'colour'],
      message: /^The report has no parameter "colour": it takes interval_start, interval_end, /,
    },
    {
      name: 'v2: a malformed report',
      input: { v2: { report: 'balance.summary.1' } },
      path: ['v2', 'report'],
      message: /but `report` is "balance\.summary\.1"/,
    },
    {
      name: 'v2: an idempotency key beyond ASCII',
      input: v2Input('schlüssel'),
      path: ['v2', 'idempotencyKey'],
      message: /1 to 255 printable ASCII characters/,
    },
  ];

  test.each(rows)('$name', async ({ input, path, message }) => {
    const { data, errors } = await create(gateway, input);
    expect(errors).toBeUndefined();
    expect(data).toEqual(refusal(path, data?.createReportRun.userErrors[0]?.message));
    expect(data?.createReportRun.userErrors[0]?.message).toMatch(message);
    expect(await asked()).toEqual([]);
  });

  test('all that is wrong is said at once', async () => {
    const { data } = await create(
      gateway,
      v1Input('', {
        intervalStart: '2001-01-01T00:00:00Z',
        intervalEnd: '2099-01-01T00:00:00.001Z',
        currency: '',
      }),
    );
    expect(data?.createReportRun.userErrors.map(({ path }) => path?.join('.'))).toEqual([
      'v1.idempotencyKey',
      'v1.parameters.intervalEnd',
      'v1.parameters.currency',
      'v1.parameters.intervalStart',
      'v1.parameters.intervalEnd',
    ]);
    expect(await asked()).toEqual([]);
  });
});

describe('what Stripe refuses comes back by its path, and nothing was started', () => {
  const rows = [
    {
      name: 'v1: an unknown report type',
      input: { v1: { reportType: 'no.such.1' } },
      expected: refusal(['v1', 'reportType'], "No such report type: 'no.such.1'"),
    },
    {
      name: 'v1: a missing parameter',
      input: {
        v1: { reportType: 'balance.summary.1', parameters: { intervalStart: INTERVAL.intervalStart } },
      },
      expected: refusal(
        ['v1', 'parameters', 'intervalEnd'],
        'Missing required param: parameters.interval_end.',
      ),
    },
    {
      name: 'v1: a missing payout',
      input: { v1: { reportType: 'payout_reconciliation.by_id.summary.1' } },
      expected: refusal(['v1', 'parameters', 'payout'], 'Missing required param: parameters.payout.'),
    },
    {
      name: 'v1: a bad value',
      input: v1Input(null, { currency: 'EUR' }),
      expected: refusal(['v1', 'parameters', 'currency'], 'Invalid currency: EUR'),
    },
    {
      name: 'v1: another parameter than there is',
      input: v1Input(null, { other: { colour: 'red' } }),
      expected: refusal(
        ['v1', 'parameters', 'other', 'colour'],
        'Received unknown parameter: parameters.colour',
      ),
    },
    {
      name: 'v1: a type for live data, with a test key',
      input: { v1: { reportType: FEES, parameters: INTERVAL } },
      expected: refusal(
        ['v1', 'reportType'],
        'This report type is only available for live data and requires a live mode key.',
        'LiveModeRequiredError',
      ),
    },
    {
      name: 'v2: a bad value',
      input: v2Input(null, { currency: 'EUR' }),
      expected: refusal(
        ['v2', 'parameters', 'currency'],
        "The field report_parameters.currency is invalid: 'EUR' is no currency.",
      ),
    },
    {
      name: 'v2: an unknown report',
      input: { v2: { report: 'report_none' } },
      expected: refusal(['v2', 'report'], 'Stripe has no report "report_none".'),
    },
  ];

  test.each(rows)('$name', async ({ input, expected }) => {
    expect(await create(gateway, input)).toEqual({ data: expected });
    const { runs } = await sandbox.control<{ runs: unknown[] }>('GET', 'runs?account=acct_test');
    expect(runs).toEqual([]);
  });
});

test('a live key may run a type for live data', async () => {
  const live = await startTestGateway({ upstream: sandbox.origin, apiKey: 'sk_live_bad_input' });
  try {
    const { id } = await created(live, { v1: { reportType: FEES, parameters: INTERVAL } });
    expect(id).toMatch(/^frr_/);
  } finally {
    await live.close();
  }
});

test('more v2 runs at once than Stripe allows: the limit says so, and its key can be used later', async () => {
  const busy = await startTestGateway({ upstream: sandbox.origin, apiKey: 'sk_test_busy' });
  try {
    const ids = [];
    for (let index = 0; index < 5; index += 1) ids.push((await created(busy, v2Input(null))).id);
    expect((await create(busy, v2Input('sixth'))).data).toEqual(
      refusal(
        null,
        'API key has reached its limit of concurrently running reports. Wait for existing reports to complete before retrying',
        'ConcurrentRunLimitError',
      ),
    );
    await sandbox.control('POST', `runs/${ids[0]}/finish`, { outcome: 'succeeded' });
    const { id } = await created(busy, v2Input('sixth'));
    expect(ids).not.toContain(id);
  } finally {
    await busy.close();
  }
});

describe('ids', () => {
  const badInput = [{ message: expect.any(String), extensions: { code: 'BAD_USER_INPUT' } }];
  const malformed = [
    '',
    ' ',
    'x',
    'frr_',
    'frr_a/b',
    'frr_1 ',
    '../account',
    'ch_1',
    'frr_ä',
    `frr_${'a'.repeat(251)}`,
  ];

  test.each(malformed)(
    'the malformed id %j is BAD_USER_INPUT, null in nodes, and never reaches Stripe',
    async (id) => {
      for (const field of ['reportRun', 'node', 'reportType']) {
        const { data, errors } = await gateway.query(`query ($id: ID!) { ${field}(id: $id) { id } }`, { id });
        expect(data).toEqual({ [field]: null });
        expect(errors).toMatchObject(badInput);
      }
      expect(await gateway.query('query ($id: ID!) { nodes(ids: [$id]) { id } }', { id })).toEqual({
        data: { nodes: [null] },
      });
      expect(await asked()).toEqual([]);
    },
  );

  test('an id of the other kind is malformed where it stands', async () => {
    const ids = '{ reportRun(id: "balance.summary.1") { id } reportType(id: "frr_1") { id } }';
    const { data, errors } = await gateway.query(ids);
    expect(data).toEqual({ reportRun: null, reportType: null });
    expect(errors).toMatchObject([...badInput, ...badInput]);
  });

  test('a well-formed id that does not exist is null', async () => {
    for (const id of ['frr_1none', 'reprun_none', 'no.such.1', 'report_absent']) {
      const query = 'query ($id: ID!) { node(id: $id) { id } nodes(ids: [$id]) { id } }';
      expect(await gateway.query(query, { id })).toEqual({ data: { node: null, nodes: [null] } });
    }
    const runs = '{ a: reportRun(id: "frr_1none") { id } b: reportRun(id: "reprun_none") { id } }';
    expect(await gateway.query(runs)).toEqual({ data: { a: null, b: null } });
    expect(await asked()).toEqual([
      `GET ${V1_RUNS}/frr_1none`,
      `GET ${V2_RUNS}/reprun_none`,
      'GET /v2/reporting/reports/report_absent',
    ]);
  });

  test('malformed ids among good ones leave those standing', async () => {
    const { id } = await created(gateway, v1Input(null));
    expect(
      await gateway.query('query ($ids: [ID!]!) { nodes(ids: $ids) { id } }', { ids: ['', id, 'x'] }),
    ).toEqual({
      data: { nodes: [null, { id }, null] },
    });
    const tooMany = Array.from({ length: 101 }, () => id);
    const { errors } = await gateway.query('query ($ids: [ID!]!) { nodes(ids: $ids) { id } }', {
      ids: tooMany,
    });
    expect(errors).toMatchObject([{ extensions: { code: 'BAD_USER_INPUT' } }]);
  });
});

describe('scalars that are none are BAD_USER_INPUT, as variables and as literals', () => {
  const v1 = (value: unknown) => ({
    v1: { reportType: 'balance.summary.1', parameters: { intervalStart: value } },
  });
  const v2 = (value: unknown) => ({ v2: { report: 'report_test_balance_summary', parameters: value } });
  const badInput = 'BAD_USER_INPUT';
  // A literal of another type altogether is already no valid document.
  const invalid = 'GRAPHQL_VALIDATION_FAILED';
  const rows: readonly (readonly [object, string])[] = [
    [v1('yesterday'), badInput],
    [v1('2024-02-30T00:00:00Z'), badInput],
    [v1('2024-01-01T00:00:00.0001Z'), badInput],
    [v1('2024-01-01'), badInput],
    [v1(1_704_067_200), badInput],
    [v2('{}'), badInput],
    [v2([]), badInput],
    [{ v1: { reportType: 'balance.summary.1', idempotencyKey: 5 } }, invalid],
    [{}, invalid],
    [{ v1: null }, invalid],
    [{ ...v1('2024-01-01T00:00:00Z'), ...v2({}) }, invalid],
  ];

  function literal(value: unknown): string {
    if (Array.isArray(value)) return `[${value.map(literal).join(' ')}]`;
    if (typeof value !== 'object' || value === null) return JSON.stringify(value);
    return `{ ${Object.entries(value)
      .map(([name, item]) => `${name}: ${literal(item)}`)
      .join(' ')} }`;
  }

  test.each(rows)('%j', async (input, code) => {
    const inline = `mutation { createReportRun(input: ${literal(input)}) { reportRun { id } } }`;
    const answers: GraphQLAnswer<unknown>[] = [await create(gateway, input), await gateway.query(inline)];
    expect(answers).toEqual(
      [badInput, code].map((expected) => ({
        errors: [
          {
            message: expect.any(String),
            locations: [{ line: 1, column: expect.any(Number) }],
            extensions: { code: expected },
          },
        ],
      })),
    );
    expect(await asked()).toEqual([]);
  });
});
