import { request } from 'node:http';
import { Writable } from 'node:stream';
import { expect, test } from 'vitest';
import { OTHER_SECRET, SECRET, sign, snapshot, thin } from './events.js';
import { deliver, setUp, settled } from './support.js';

const now = () => Math.floor(Date.now() / 1000);

test('events signed with any of the secrets are taken, also while two are in use for one destination', async () => {
  const { hook, asked } = await setUp();
  const body = snapshot('frr_first');
  expect(await deliver(hook, body)).toEqual({ status: 200, text: 'Taken.\n' });
  const rotated = `${sign(body, 'whsec_retired')},${sign(body, SECRET).split(',')[1]}`;
  expect(await deliver(hook, body, { signature: rotated })).toMatchObject({ status: 200 });
  const other = thin('reprun_test_first');
  expect(await deliver(hook, other, { signature: sign(other, OTHER_SECRET) })).toMatchObject({ status: 200 });
  await expect.poll(() => asked('/v1/reporting/report_runs/frr_first')).toBeGreaterThan(0);
  await expect.poll(() => asked('/v2/reporting/report_runs/reprun_test_first')).toBeGreaterThan(0);
});

test('a clock that is a little off does not matter, in either direction', async () => {
  const { hook } = await setUp();
  const body = snapshot('frr_first');
  for (const off of [-290, 290])
    expect(await deliver(hook, body, { signature: sign(body, SECRET, now() + off) })).toMatchObject({
      status: 200,
    });
});

test('what is not genuine gets 400 with a sentence, and changes nothing', async () => {
  const { hook, sandbox, rows } = await setUp();
  const body = snapshot('frr_forged');
  const good = sign(body);
  const [time = ''] = good.split(',');
  const signed = (text: string) => ({ signature: sign(text) });
  const cases: readonly (readonly [string | Buffer, { signature: string | null }, RegExp])[] = [
    [body, { signature: null }, /no Stripe-Signature/],
    [body, { signature: sign(body, 'whsec_of_somebody_else') }, /not made with any of the secrets/],
    [body.replace('frr_forged', 'frr_forgee'), { signature: good }, /not made with any/],
    [`${body} `, { signature: good }, /not made with any/],
    [`\uFEFF${body}`, { signature: good }, /not made with any/],
    [body, { signature: good.replace('v1=', 'v0=') }, /not made with any/],
    [body, { signature: time }, /not made with any/],
    [body, { signature: good.slice(time.length + 1) }, /one time/],
    [body, { signature: `${good},t=${now() + 1}` }, /one time/],
    [body, { signature: good.replace('t=', 't=1e9') }, /one time/],
    [body, { signature: sign(body, SECRET, now() - 310) }, /31\d s old/],
    [body, { signature: sign(body, SECRET, now() + 320) }, /s in the future/],
    ['', signed('x'), /not made with any/],
    [Buffer.from([0x7b, 0xff, 0x7d]), signed('{\uFFFD}'), /UTF-8/],
    ['{', signed('{'), /JSON object/],
    ['[]', signed('[]'), /JSON object/],
    ['{}', signed('{}'), /expected object to be "event" or "v2.core.event", got nothing/],
    ...[
      snapshot('re_123'),
      snapshot('frr_x', 'reporting.report_run.failed', { data: null }),
      snapshot('frr_x', 'reporting.report_run.failed', { created: 'yesterday' }),
      snapshot('frr_x', 'reporting.report_run.failed', { livemode: 'no' }),
      thin('frr_x'),
      thin('reprun_x', 'failed', { related_object: null }),
      thin('reprun_x', 'failed', { id: 7 }),
    ].map((text) => [text, signed(text), /^The event cannot be read: expected /] as const),
  ];
  for (const [text, options, problem] of cases) {
    const answer = await deliver(hook, text, options);
    expect(answer).toEqual({ status: 400, text: expect.stringMatching(problem) });
  }
  await settled(sandbox);
  expect(await rows()).toEqual([]);
});

test('a body of more than 256 kB gets 400, whether or not it says so beforehand', async () => {
  const { hook, rows } = await setUp();
  const long = snapshot('frr_long', undefined, { padding: 'x'.repeat(256_000) });
  const answer = await deliver(hook, long);
  expect(answer).toEqual({ status: 400, text: 'The body has more than 256000 bytes.\n' });
  const unsaid = await deliver(hook, long, { headers: { 'transfer-encoding': 'chunked' } });
  expect(unsaid.status).toBe(400);
  const fits = snapshot('frr_long', undefined, { padding: 'x'.repeat(250_000) });
  expect(await deliver(hook, fits)).toMatchObject({ status: 200 });
  expect((await rows()).map(({ id }) => id).filter((id) => id !== 'frr_long')).toEqual([]);
});

test('only POST is taken, and a sender that leaves in the middle is no error', async () => {
  const lines: string[] = [];
  const logTo = new Writable({
    write(chunk, _encoding, done) {
      lines.push(String(chunk));
      done();
    },
  });
  const { hook } = await setUp({ logTo });
  for (const method of ['GET', 'PUT', 'DELETE'])
    expect(await deliver(hook, '', { method, signature: null })).toMatchObject({ status: 405 });
  await new Promise<void>((resolve) => {
    const sent = request(hook, { method: 'POST', headers: { 'content-length': '1000' } });
    sent.on('error', () => resolve());
    sent.write('{', () => setTimeout(() => sent.destroy(), 50));
  });
  await expect.poll(() => lines.some((line) => line.includes('"aborted":true'))).toBe(true);
  expect(lines.filter((line) => line.includes('"level":50'))).toEqual([]);
});

test('without secrets there is no such path, and the gateway guards its other paths as before', async () => {
  const { hook } = await setUp({ secrets: [] });
  const local = { headers: { host: new URL(hook).host } };
  expect(await deliver(hook, snapshot('frr_x'), local)).toMatchObject({ status: 404 });
  expect(await deliver(hook, snapshot('frr_x'))).toMatchObject({ status: 421 });
  const withSecrets = await setUp();
  const graph = withSecrets.hook.replace('/webhooks/stripe', '/graphql');
  expect(await deliver(graph, '{"query":"{__typename}"}')).toMatchObject({ status: 421 });
});
