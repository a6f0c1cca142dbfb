import { getIntrospectionQuery, validate, parse } from 'graphql';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { schema as realSchema } from '../../src/schema/index.js';
import { exampleTabs } from '../../src/server/graphiql-examples.js';
import { post, startGateway, type TestGateway } from './support.js';

const SPEC = { accept: 'application/graphql-response+json' };

let gateway: TestGateway;
beforeEach(async () => {
  gateway = await startGateway();
});
afterEach(async () => {
  await gateway[Symbol.asyncDispose]();
});

/** Where a document has several operations, the first one is meant. */
const run = async (query: string, variables?: object) => {
  const operationName = /^query (Q0)/.exec(query)?.[1];
  return (await post(gateway, { query, variables, operationName }, SPEC)).json;
};
const errorOf = async (query: string, variables?: object) => (await run(query, variables)).errors[0];

describe('errors', () => {
  it('show our own errors with their code and what belongs to it', async () => {
    expect(await errorOf('{ missing }')).toEqual({
      message: 'There is no such thing.',
      path: ['missing'],
      locations: [{ line: 1, column: 3 }],
      extensions: { code: 'NOT_FOUND' },
    });
    expect((await errorOf('{ limited }')).extensions).toEqual({
      code: 'UPSTREAM_RATE_LIMITED',
      stripeRequestId: 'req_1',
    });
    expect((await errorOf('{ unknown }')).extensions).toEqual({
      code: 'UPSTREAM_UNAVAILABLE',
      outcome: 'UNKNOWN',
      idempotencyKey: 'key-1',
    });
    expect(gateway.log.filter(({ msg }) => msg !== 'request')).toEqual([]);
  });

  it.each(['bug', 'uncoded'])(
    'mask what was not meant for clients (%s), and log it without secrets',
    async (field) => {
      const answer = await post(gateway, { query: `{ ${field} hello }` });
      const [error] = answer.json.errors;
      expect(answer.json.data).toEqual({ [field]: null, hello: 'Hello undefined' });
      expect(error.extensions).toEqual({ code: 'INTERNAL_SERVER_ERROR', errorId: expect.any(String) });
      expect(answer.text).not.toMatch(/sk_test|internal words|stack|files\.example/);
      const line = gateway.log.find(({ errorId }) => errorId === error.extensions.errorId);
      expect(line).toMatchObject({ level: 50, err: { stack: expect.stringContaining('schema.ts') } });
      expect(JSON.stringify(gateway.log)).not.toMatch(/sk_test_secret|files\.example/);
    },
  );

  it.each([
    ['a syntax error', '{', undefined, 'GRAPHQL_PARSE_FAILED'],
    ['an unknown field', '{ nothing }', undefined, 'GRAPHQL_VALIDATION_FAILED'],
    ['a literal of another type', '{ hello(name: 1) }', undefined, 'GRAPHQL_VALIDATION_FAILED'],
    ['a literal one of our scalars refuses', '{ even(number: 3) }', undefined, 'BAD_USER_INPUT'],
    [
      'a variable one of our scalars refuses',
      'query($n: Even) { even(number: $n) }',
      { n: 3 },
      'BAD_USER_INPUT',
    ],
    ['a variable of another type', 'query($n: String) { hello(name: $n) }', { n: 3 }, 'BAD_USER_INPUT'],
    ['a missing variable', 'query($n: Even!) { even(number: $n) }', {}, 'BAD_USER_INPUT'],
  ])(
    'give %s its code, and 400 to clients that take application/graphql-response+json',
    async (_name, query, variables, code) => {
      for (const repeat of [1, 2]) {
        const answer = await post(gateway, { query, variables }, SPEC);
        expect([repeat, answer.status]).toEqual([repeat, 400]);
        expect(answer.json.errors[0].extensions).toEqual({ code });
      }
      const old = await post(gateway, { query, variables }, { accept: 'application/json' });
      expect(old.status).toBe(200);
      expect(old.json.errors[0].extensions).toEqual({ code });
      expect(gateway.log.some(({ level }) => level === 50)).toBe(false);
    },
  );
});

describe('limits', () => {
  const levels = (n: number) => `{ ${'nested { '.repeat(n - 1)} value ${'}'.repeat(n)}`;
  const aliases = (n: number) => `{ ${Array.from({ length: n }, (_, i) => `a${i}: hello`).join(' ')} }`;
  const operations = (n: number) => Array.from({ length: n }, (_, i) => `query Q${i} { hello }`).join(' ');

  it.each([
    ['12 levels', levels(12), levels(13)],
    ['12 levels across fragments', fragmented(12), fragmented(13)],
    ['30 aliases', aliases(30), aliases(31)],
    ['1000 tokens', operations(200), operations(201)],
    [
      '50 directives',
      `{ ${'hello @include(if: true) '.repeat(50)} }`,
      `{ ${'hello @include(if: true) '.repeat(51)} }`,
    ],
  ])('let %s through and no more', async (limit, allowed, tooMuch) => {
    expect((await run(allowed)).errors).toBeUndefined();
    const error = await errorOf(tooMuch);
    expect(error.message).toContain(`at most ${limit.split(/[, ]/)[0]}`);
    expect(error.message).not.toContain('Syntax Error');
  });

  /** One level outside of a fragment, the others inside. */
  function fragmented(n: number): string {
    return `query { nested { ...F } } fragment F on Nested ${levels(n - 1)}`;
  }

  it('let fragments that spread themselves end as a validation error', async () => {
    const error = await errorOf(
      '{ nested { ...A } } fragment A on Nested { nested { ...B } } fragment B on Nested { ...A }',
    );
    expect(error.extensions.code).toBe('GRAPHQL_VALIDATION_FAILED');
  });

  it("let GraphiQL's introspection through, and every example valid and within the limits", async () => {
    await using whole = await startGateway({ schema: realSchema });
    const introspection = getIntrospectionQuery({
      specifiedByUrl: true,
      directiveIsRepeatable: true,
      schemaDescription: true,
      inputValueDeprecation: true,
      oneOf: true,
    });
    expect((await post(whole, { query: introspection })).text).toContain('"ReportRunV2"');
    for (const { query } of exampleTabs({ today: new Date(0), ended: null, running: null })) {
      expect(validate(realSchema, parse(query))).toEqual([]);
      const named = await post(whole, { query: `${query} query Ping { __typename }`, operationName: 'Ping' });
      expect(named.json).toEqual({ data: { __typename: 'Query' } });
    }
  });
});

describe('introspection', () => {
  it('is off when told so, with the SDL and the guesses at names', async () => {
    await using closed = await startGateway({ introspection: false });
    for (const query of [
      '{ __schema { types { name } } }',
      '{ __type(name: "Run") { name } }',
      '{ a: _service }',
    ]) {
      const { json } = await post(closed, { query });
      expect(json.data).toBeUndefined();
      expect(json.errors[0].extensions.code).toBe('GRAPHQL_VALIDATION_FAILED');
    }
    const misspelt = await post(closed, { query: '{ helo }' });
    expect(misspelt.json.errors[0].message).toBe('Cannot query field "helo" on type "Query".');
    expect((await post(closed, { query: '{ __typename }' })).json).toEqual({ data: { __typename: 'Query' } });
    expect(await run('{ _service }')).toEqual({ data: { _service: 'the SDL' } });
  });
});

describe('extensions.upstream', () => {
  it('is there where the answer depends on how fresh the ledger is, and nowhere else', async () => {
    expect((await run('{ fresh }')).extensions).toEqual({
      upstream: {
        V1: { state: 'READY', asOf: '2026-11-20T11:59:59.250Z' },
        V2: { state: 'UNAVAILABLE', asOf: null },
      },
    });
    expect((await run('{ fresh missing }')).extensions.upstream.V1.state).toBe('READY');
    expect((await run('{ hello }')).extensions).toBeUndefined();
  });
});
