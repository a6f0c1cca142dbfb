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
  expect(refused.bytes.toString()).toMatch(/^Stripe did not deliver the file: .* Try again in \d+ s\.\n$/);
});
