import { parse } from 'csv-parse/sync';
import { describe, expect, test } from 'vitest';
import { day, items, start, text, V1_RUNS, V2_RUNS } from './support.js';
import type { Json, Started } from './support.js';
import { unzip } from './unzip.js';

const span = `parameters[interval_start]=${day(2026, 4, 1)}&parameters[interval_end]=${day(2026, 5, 1)}`;

/** The bytes behind a URL; with the key unless told otherwise. */
async function download(
  url: string,
  headers: Record<string, string> = { authorization: 'Bearer sk_test_a' },
) {
  const response = await fetch(url, { headers });
  return {
    status: response.status,
    headers: response.headers,
    bytes: Buffer.from(await response.arrayBuffer()),
  };
}

/** Runs of v1 that have succeeded, as a list shows them. */
async function finished({ control, get, clock }: Started, type: string, count: number): Promise<Json[]> {
  const parameters = { interval_start: day(2026, 4, 1), interval_end: day(2026, 5, 1) };
  await control('POST', 'runs', { account: 'acct_a', api: 'V1', type, count, parameters });
  clock.now += 1000;
  return items((await get(`${V1_RUNS}?limit=100`)).body['data']);
}

describe('the file of a v1 run', () => {
  test('has the size that is stated, and is the same each time', async () => {
    const sandbox = await start();
    for (const run of await finished(sandbox, 'payouts.itemized.3', 8)) {
      const url = text(run['result']?.['url']);
      const { status, headers, bytes } = await download(url);
      expect([status, headers.get('content-type')]).toEqual([200, 'text/csv']);
      expect(bytes).toHaveLength(Number(run['result']?.['size']));
      expect((await download(url)).bytes.equals(bytes)).toBe(true);
    }
  });

  test('has the columns of its type, and all that makes CSV hard', async () => {
    const sandbox = await start();
    const files: Buffer[] = [];
    for (const run of await finished(sandbox, 'balance_change_from_activity.itemized.3', 24)) {
      files.push((await download(text(run['result']?.['url']))).bytes);
    }
    const { body: type } = await sandbox.get(
      '/v1/reporting/report_types/balance_change_from_activity.itemized.3',
    );
    const tables = files.map((file) => parse(file));
    for (const [header] of tables) expect(header).toEqual(type['default_columns']);
    const cells = tables.flatMap((rows) => rows.slice(1)).flat();
    expect(cells).toContainEqual(expect.stringContaining(','));
    expect(cells).toContainEqual(expect.stringContaining('\n'));
    expect(cells).toContainEqual(expect.stringContaining('"'));
    expect(cells).toContainEqual(expect.stringContaining('東京'));
    for (const file of files) {
      for (const row of parse(file, { columns: true }) as Record<string, string>[]) {
        const { gross = '', fee = '', net = '', created_utc: created = '' } = row;
        for (const amount of [gross, fee, net]) expect(amount).toMatch(/^-?\d+\.\d\d$/);
        expect(Number(gross) - Number(fee)).toBeCloseTo(Number(net), 5);
        expect(created >= '2026-04-01 00:00:00' && created < '2026-05-01 00:00:00').toBe(true);
      }
    }
  });

  test('is sometimes a header alone', async () => {
    const sandbox = await start();
    const rows: number[] = [];
    for (const run of await finished(sandbox, 'balance.summary.1', 60)) {
      const { bytes } = await download(text(run['result']?.['url']));
      rows.push(parse(bytes).length - 1);
    }
    expect(rows).toContain(0);
    expect(rows.filter((count) => count > 0).length).toBeGreaterThan(30);
  });

  test('has the columns, the separator and the timezone that were chosen', async () => {
    const { clock, createV1, get } = await start();
    const chosen =
      '&parameters[columns][]=net&parameters[columns][]=payment_metadata%5Bk%5D&parameters[columns][]=created&parameters[columns][]=created_utc';
    const style =
      '&parameters[decimal_separator]=%2C&parameters[timezone]=Asia/Tokyo&parameters[currency]=jpy';
    for (let i = 0; i < 6; i++) {
      const { body } = await createV1(
        `report_type=balance_change_from_activity.itemized.3&${span}${chosen}${style}`,
      );
      clock.now += 10_000;
      const run = await get(`${V1_RUNS}/${text(body['id'])}`);
      const { bytes } = await download(text(run.body['result']?.['url']));
      const [header, ...rows] = parse(bytes);
      expect(header).toEqual(['net', 'payment_metadata[k]', 'created', 'created_utc']);
      for (const [net = '', , local = '', utc = ''] of rows) {
        expect(net).toMatch(/^-?\d+,\d\d$/);
        expect(Date.parse(`${local}Z`) - Date.parse(`${utc}Z`)).toBe(9 * 3_600_000);
      }
    }
  });

  test('needs the key of its account, and exists only once the run has succeeded', async () => {
    const { sandbox, clock, createV1 } = await start();
    const { body } = await createV1();
    const url = `${sandbox.origin}/v1/files/${text(body['id']).replace('frr_', 'file_')}/contents`;
    expect((await download(url)).status).toBe(404);
    clock.now += 10_000;
    expect((await download(url)).status).toBe(200);
    expect((await download(url, {})).status).toBe(401);
    expect((await download(url, { authorization: 'Bearer sk_test_b' })).status).toBe(404);
    expect((await download(`${sandbox.origin}/v1/files/file_none/contents`)).status).toBe(404);
  });
});

describe('the link of a v2 run', () => {
  async function finishedV2({ clock, createV2, get }: Started, compress: boolean) {
    const { body } = await createV2({
      report: 'report_test_activity_itemized',
      report_parameters: {
        interval_start: '2026-04-01T00:00:00Z',
        interval_end: '2026-05-01T00:00:00Z',
        category: 'fee',
      },
      result_options: { compress_file: compress },
    });
    clock.now += 10_000;
    const path = `${V2_RUNS}/${text(body['id'])}`;
    const file = async () => (await get(path)).body['result']?.['file'] as Json;
    return { id: text(body['id']), file };
  }
  const urlOf = (file: Json) => text(file['download_url']?.['url']);

  test('is another one each time, gives the file without a key for five minutes, then 403', async () => {
    const sandbox = await start();
    const { file } = await finishedV2(sandbox, false);
    const first = await file();
    expect(urlOf(await file())).not.toBe(urlOf(first));
    sandbox.clock.now += 299_999;
    const { status, headers, bytes } = await download(urlOf(first), {});
    expect([status, headers.get('content-type')]).toEqual([200, 'text/csv']);
    expect(bytes).toHaveLength(Number(first['size']));
    for (const row of parse(bytes, { columns: true }) as Record<string, string>[]) {
      expect(row['reporting_category']).toBe('fee');
    }
    sandbox.clock.now += 1;
    expect((await download(urlOf(first), {})).status).toBe(403);
    expect((await download(urlOf(await file()), {})).status).toBe(200);
  });

  test('refuses a request that brings a key, and a link that was tampered with', async () => {
    const sandbox = await start();
    const { file } = await finishedV2(sandbox, false);
    const url = urlOf(await file());
    expect((await download(url)).status).toBe(400);
    expect(
      (
        await download(
          url.replace(/\.(\d{13})\./, (_, at: string) => `.${Number(at) + 1}.`),
          {},
        )
      ).status,
    ).toBe(403);
    expect((await download(`${url}x`, {})).status).toBe(403);
    expect((await download(`${sandbox.sandbox.origin}/blob/nothing`, {})).status).toBe(403);
  });

  test('gives a ZIP of one file, if it was asked for', async () => {
    const sandbox = await start();
    const { id, file } = await finishedV2(sandbox, true);
    const shown = await file();
    expect(shown['content_type']).toBe('zip');
    const { headers, bytes } = await download(urlOf(shown), {});
    expect(headers.get('content-type')).toBe('application/zip');
    expect(bytes).toHaveLength(Number(shown['size']));
    const { name, content } = unzip(bytes);
    expect(name).toBe(`${id}.csv`);
    expect(parse(content)[0]).toContain('balance_transaction_id');
  });
});
