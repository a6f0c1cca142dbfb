import { expect, test } from 'vitest';
import { fetchFile, startBoth } from './support.js';

const TEXT = 'a,b\n1,2\n';

test('sixty downloads at once all come, and Stripe has to refuse none', async () => {
  await using both = await startBoth({ limits: true });
  const url = await both.linkTo(await both.finished('V1', { text: TEXT }));
  const answers = await Promise.all(Array.from({ length: 60 }, () => fetchFile(url)));
  expect(answers.map(({ bytes }) => bytes.toString())).toEqual(Array<string>(60).fill(TEXT));
  const asked = (await both.sandbox.requests()).filter(({ path }) => path.endsWith('/contents'));
  expect(asked.map(({ status }) => status)).toEqual(Array<number>(60).fill(200));
});

test('a file that Stripe refuses for the rate is waited for once, then the client is told when to come again', async () => {
  await using both = await startBoth();
  const url = await both.linkTo(await both.finished('V1', { text: TEXT }));
  const refuse = (times: number) =>
    both.sandbox.control('POST', 'faults', { path: '/v1/files/*', kind: 'error', status: 429, times });
  await refuse(1);
  expect((await fetchFile(url)).bytes.toString()).toBe(TEXT);
  await refuse(0);
  const refused = await fetchFile(url);
  expect(refused.status).toBe(503);
  expect(Number(refused.headers.get('retry-after'))).toBeGreaterThanOrEqual(1);
  expect(refused.bytes.toString()).toMatch(/^The file cannot be delivered: .* Try again in \d+ s\.\n$/);
});

test('a refusal by the host of a link of v2 says when to come again, for rows too', async () => {
  await using both = await startBoth();
  const id = await both.finished('V2', { text: TEXT });
  const url = await both.linkTo(id);
  const fault = { path: '/blob/*', kind: 'error', status: 429, times: 0 };
  await both.sandbox.control('POST', 'faults', { ...fault, headers: { 'Retry-After': '7' } });
  const refused = await fetchFile(url);
  expect([refused.status, refused.headers.get('retry-after')]).toEqual([503, '7']);
  await both.sandbox.control('DELETE', 'faults');
  await both.sandbox.control('POST', 'faults', fault);
  const query = 'query ($id: ID!) { reportRun(id: $id) { result { file { rowCount } } } }';
  const { errors } = await both.gateway.query(query, { id });
  expect(errors).toMatchObject([{ extensions: { code: 'UPSTREAM_RATE_LIMITED', retryAfter: 1 } }]);
});
