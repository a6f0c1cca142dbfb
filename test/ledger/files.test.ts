import { expect, test } from 'vitest';
import { openFiles } from '../../src/ledger/files.js';
import { ACCOUNT, tempEngine, testLedger } from './support.js';

const NOTHING = { header: null, columns: null, rowCount: null };

test('what is learned of a file adds up, and stays as it was learned first', async () => {
  const { files } = await testLedger();
  expect(await files.get('frr_1')).toEqual(NOTHING);
  await files.learn('frr_1', { header: ['a', 'b'] });
  await files.learn('frr_1', { rowCount: 0 });
  await files.learn('frr_1', { header: ['c'], rowCount: 7, columns: [{ name: 'a', type: null }] });
  expect(await files.get('frr_1')).toEqual({
    header: ['a', 'b'],
    columns: [{ name: 'a', type: null }],
    rowCount: 0,
  });
});

test('an empty header is known, and a count of more than 32 bits exact', async () => {
  const { files } = await testLedger();
  await files.learn('frr_1', { header: [], rowCount: 5_000_000_000 });
  expect(await files.get('frr_1')).toEqual({ header: [], columns: null, rowCount: 5_000_000_000 });
});

test('nothing is written where there is no news', async () => {
  const engine = await tempEngine();
  const { files } = await testLedger({ engine });
  await files.learn('frr_1', { header: ['a'] });
  let written = 0;
  const counting = { ...engine, tx: () => Promise.reject(new Error(`written ${++written} times`)) };
  await openFiles(counting, ACCOUNT).learn('frr_1', { header: ['a'] });
  await openFiles(counting, ACCOUNT).learn('frr_1', {});
  expect(written).toBe(0);
});

test('another account and another run know nothing of it', async () => {
  const engine = await tempEngine();
  const { files } = await testLedger({ engine });
  await files.learn('frr_1', { rowCount: 1 });
  expect(await files.get('frr_2')).toEqual(NOTHING);
  expect(await openFiles(engine, 'acct_2:test').get('frr_1')).toEqual(NOTHING);
});
