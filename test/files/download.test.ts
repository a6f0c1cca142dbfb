import { parse } from 'csv-parse/sync';
import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { unzip } from '../sandbox/unzip.js';
import { fetchFile, startBoth } from './support.js';

/** Bytes in which no two places look alike. */
function bytesOf(size: number): Buffer {
  return Buffer.from(Array.from({ length: size }, (_, i) => (i * 31 + (i >> 8) * 17) % 256));
}

describe.each(['V1', 'V2'] as const)('the file of a %s run', (api) => {
  test('is what the run says it is, by a link that brings no key, under a good name', async () => {
    await using both = await startBoth();
    const id = await both.finished(api);
    const { status, headers, bytes } = await fetchFile(await both.linkTo(id));
    expect([status, headers.get('content-type')]).toEqual([200, 'text/csv; charset=utf-8']);
    expect(headers.get('content-length')).toBe(String(bytes.length));
    expect(parse(bytes, { columns: true })).toEqual(expect.any(Array));
    const title = api === 'V1' ? 'balance.summary.1' : 'Balance-summary';
    expect(headers.get('content-disposition')).toMatch(
      new RegExp(`^attachment; filename="${title}_\\d{4}-\\d\\d-\\d\\d_\\d{4}-\\d\\d-\\d\\d_${id}\\.csv"$`),
    );
    const asked = (await both.sandbox.requests()).filter(({ path }) => /contents|blob/.test(path));
    expect(asked.map(({ keySent }) => keySent)).toEqual([api === 'V1']);
  });

  test('can be a ZIP', async () => {
    await using both = await startBoth();
    const zip = Buffer.from('504b0506000000000000000000000000000000000000', 'hex');
    const id = await both.finished(api, { base64: zip.toString('base64'), contentType: 'zip' });
    const { headers, bytes } = await fetchFile(await both.linkTo(id));
    expect(headers.get('content-type')).toBe('application/zip');
    expect(headers.get('content-disposition')).toMatch(/\.zip"$/);
    expect(bytes.equals(zip)).toBe(true);
  });

  test.each([true, false])(
    'put together from any parts is the whole, with ranges upstream: %s',
    async (ranges) => {
      await using both = await startBoth();
      await both.sandbox.control('POST', 'settings', { ranges });
      const content = bytesOf(70_000);
      const id = await both.finished(api, { base64: content.toString('base64') });
      const url = await both.linkTo(id);
      const cuts = fc.uniqueArray(fc.integer({ min: 1, max: content.length - 1 }), { maxLength: 5 });
      const property = fc.asyncProperty(cuts, async (places) => {
        const starts = [0, ...places.sort((a, b) => a - b)];
        const parts: Buffer[] = [];
        for (const [i, start] of starts.entries()) {
          const next = starts[i + 1];
          const range = `bytes=${start}-${next === undefined ? '' : next - 1}`;
          const { status, headers, bytes } = await fetchFile(url, { range });
          const end = (next ?? content.length) - 1;
          expect([status, headers.get('content-range')]).toEqual([206, `bytes ${start}-${end}/70000`]);
          parts.push(bytes);
        }
        expect(Buffer.concat(parts).equals(content)).toBe(true);
      });
      await fc.assert(property, { numRuns: 15 });
    },
  );

  test('that Stripe breaks off midway is broken off here too, and goes on from there', async () => {
    await using both = await startBoth();
    const content = bytesOf(3_000_000);
    const id = await both.finished(api, { base64: content.toString('base64') });
    const url = await both.linkTo(id);
    await both.sandbox.control('POST', 'faults', {
      method: 'GET',
      path: api === 'V1' ? '/v1/files/*' : '/blob/*',
      kind: 'truncated',
    });
    const first: Buffer[] = [];
    const broken = await fetch(url);
    await expect(
      (async () => {
        for await (const piece of broken.body ?? []) first.push(Buffer.from(piece));
      })(),
    ).rejects.toThrow('terminated');
    const got = Buffer.concat(first);
    expect(got.length).toBeLessThan(content.length);
    const etag = broken.headers.get('etag') ?? '';
    const rest = await fetchFile(url, { range: `bytes=${got.length}-`, 'if-range': etag });
    expect(rest.status).toBe(206);
    expect(Buffer.concat([got, rest.bytes]).equals(content)).toBe(true);
  });

  test('is no longer asked of Stripe once the client has left', async () => {
    await using both = await startBoth();
    const size = 1_000_000_000;
    const id = await both.finished(api, { bytes: size });
    const leaving = new AbortController();
    const answer = await fetch(await both.linkTo(id), { signal: leaving.signal });
    await answer.body?.getReader().read();
    leaving.abort();
    const sent = async () => {
      const requests = await both.sandbox.requests();
      return requests.find(({ path }) => /contents|blob/.test(path))?.bytesSent ?? 0;
    };
    let before = -1;
    // Two equal readings with time between them: nothing is sent any more.
    await expect
      .poll(async () => {
        const now = await sent();
        const isStill = now === before;
        before = now;
        return isStill;
      })
      .toBe(true);
    expect(before).toBeLessThan(size / 2);
    expect(both.log.join('')).not.toContain('could not be delivered');
  });

  test('is refused with what is the matter where Stripe refuses it', async () => {
    await using both = await startBoth();
    const id = await both.finished(api);
    const url = await both.linkTo(id);
    const path = api === 'V1' ? '/v1/files/*' : '/blob/*';
    for (const [status, expected] of [
      [404, 404],
      [403, 502],
      [500, 502],
    ] as const) {
      await both.sandbox.control('POST', 'faults', { path, kind: 'error', status, times: 0 });
      const answer = await fetchFile(url);
      expect(answer.status).toBe(expected);
      expect(answer.bytes.toString()).toMatch(/^The file cannot be delivered: [^\n]+\.\n$/);
      expect(answer.bytes.toString()).not.toMatch(/http:|sk_test|blob/);
      await both.sandbox.control('DELETE', 'faults');
    }
  });
});

test('a compressed v2 run comes as the ZIP that Stripe made', async () => {
  await using both = await startBoth();
  const parameters = { interval_start: '2026-04-01T00:00:00Z', interval_end: '2026-05-01T00:00:00Z' };
  const { data } = await both.gateway.query<{ createReportRun: { reportRun: { id: string } } }>(
    'mutation ($input: CreateReportRunInput!) { createReportRun(input: $input) { reportRun { id } } }',
    {
      input: {
        v2: { report: 'report_test_balance_summary', parameters, resultOptions: { compressFile: true } },
      },
    },
  );
  const id = data?.createReportRun.reportRun.id ?? '';
  await both.sandbox.control('POST', `runs/${id}/finish`, { outcome: 'succeeded' });
  await expect
    .poll(
      async () => {
        const answer = await both.gateway.query<{ reportRun: { status: string } }>(
          'query ($id: ID!) { reportRun(id: $id) { status } }',
          { id },
        );
        return answer.data?.reportRun.status;
      },
      { timeout: 5_000 },
    )
    .toBe('SUCCEEDED');
  const { headers, bytes } = await fetchFile(await both.linkTo(id));
  expect(headers.get('content-type')).toBe('application/zip');
  expect(unzip(bytes).name).toBe(`${id}.csv`);
});

test("a link of Stripe's that is refused is read anew, once", async () => {
  await using both = await startBoth();
  const id = await both.finished('V2', { text: 'a,b\n1,2\n' });
  const url = await both.linkTo(id);
  await both.sandbox.control('POST', 'faults', { path: '/blob/*', kind: 'error', status: 403 });
  const { status, bytes } = await fetchFile(url);
  expect([status, bytes.toString()]).toEqual([200, 'a,b\n1,2\n']);
});
