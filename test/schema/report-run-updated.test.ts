import { type ExecutionResult, parse, subscribe } from 'graphql';
import { expect, test } from 'vitest';
import { GatewayError } from '../../src/models/errors.js';
import type { ReportRun } from '../../src/models/report-run.js';
import { contextFor, runV1, SUMMARY, services, toAnswer } from './support.js';
import { schema } from '../../src/schema/index.js';
import type { Services } from '../../src/context.js';

const SOURCE = 'subscription ($id: ID!) { reportRunUpdated(id: $id) { id status reportType { name } } }';

function open(given: Services, id: string) {
  const document = parse(SOURCE);
  return subscribe({ schema, document, variableValues: { id }, contextValue: contextFor(given) });
}

async function events(given: Services, id: string) {
  const stream = await open(given, id);
  if (!(Symbol.asyncIterator in stream))
    throw new Error(`No stream: ${JSON.stringify(toAnswer(stream).errors)}`);
  const seen: ReturnType<typeof toAnswer>[] = [];
  for await (const event of stream) seen.push(toAnswer(event));
  return seen;
}

function following(...changes: readonly (ReportRun | GatewayError)[]): Services {
  return services({
    runs: {
      follow: async () =>
        (async function* () {
          yield* changes;
        })(),
    },
    reportTypes: { read: async () => SUMMARY },
  });
}

test('each change of the run is an event, and the stream ends with it', async () => {
  const running = runV1('frr_1');
  const seen = await events(following(running, { ...running, status: 'SUCCEEDED' }), 'frr_1');
  expect(seen.map(({ data }) => data.reportRunUpdated)).toEqual([
    { id: 'frr_1', status: 'RUNNING', reportType: { name: 'Balance summary' } },
    { id: 'frr_1', status: 'SUCCEEDED', reportType: { name: 'Balance summary' } },
  ]);
});

test('a failure on the way is an event with its code', async () => {
  const seen = await events(following(runV1('frr_1'), new GatewayError('NOT_FOUND', 'It is gone.')), 'frr_1');
  expect(seen[1]).toMatchObject({
    data: { reportRunUpdated: null },
    errors: [{ code: 'NOT_FOUND', message: 'It is gone.', path: 'reportRunUpdated' }],
  });
});

test('a malformed id and an unknown run are refused at once, the malformed one without asking', async () => {
  const malformed = await open(services(), 'report_fees');
  expect(toAnswer(malformed as ExecutionResult).errors).toMatchObject([{ code: 'BAD_USER_INPUT' }]);
  const none = services({
    runs: { follow: () => Promise.reject(new GatewayError('NOT_FOUND', 'No such run.')) },
  });
  expect(toAnswer((await open(none, 'frr_9')) as ExecutionResult).errors).toMatchObject([
    { code: 'NOT_FOUND' },
  ]);
});

test('a report type that could not be read for one event is read again for the next', async () => {
  let reads = 0;
  const given = {
    ...following(runV1('frr_1'), runV1('frr_1')),
    reportTypes: {
      list: async () => [],
      read: async () => {
        reads += 1;
        if (reads === 1) throw new GatewayError('UPSTREAM_UNAVAILABLE', 'Stripe is away.');
        return SUMMARY;
      },
    },
  };
  const seen = await events(given, 'frr_1');
  expect(seen.map(({ data }) => data.reportRunUpdated.reportType.name)).toEqual([null, 'Balance summary']);
});

test('a subscriber that leaves while nothing happens is let go at once', async () => {
  let left = false;
  const waiting: AsyncIterableIterator<ReportRun> = {
    [Symbol.asyncIterator]: () => waiting,
    next: () => new Promise(() => {}),
    return: async () => {
      left = true;
      return { done: true, value: undefined };
    },
  };
  const stream = await open(services({ runs: { follow: async () => waiting } }), 'frr_1');
  if (!(Symbol.asyncIterator in stream)) throw new Error('No stream.');
  void stream.next();
  await stream.return(undefined);
  expect(left).toBe(true);
});
