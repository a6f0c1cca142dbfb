import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { request } from 'node:http';
import { createServer, type Server } from 'node:https';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { expect, test } from 'vitest';
import { createFileSource } from '../../src/datasources/files.js';
import { fileV1, runFrom, succeededV1 } from '../datasources/samples.js';
import { failure } from '../datasources/upstream.js';
import { post } from '../support/gateway.js';
import { startProgram } from '../support/process.js';
import { startTestSandbox, type TestSandbox } from '../support/sandbox.js';
import { fetchFile, KEY } from './support.js';

/** Made for these tests, for `localhost`; trusted by nobody who is not told to. */
const CERTIFICATE = resolve('test/files/tls/cert.pem');
const PRIVATE_KEY = resolve('test/files/tls/key.pem');

/** The sandbox as Stripe is reached: over TLS. */
async function overTls({ origin }: TestSandbox): Promise<Server> {
  const options = { cert: readFileSync(CERTIFICATE), key: readFileSync(PRIVATE_KEY) };
  const server = createServer(options, (req, res) => {
    const { method = 'GET', url = '/', headers } = req;
    const forwarded = request(new URL(url, origin), { method, headers }, (answer) => {
      res.writeHead(answer.statusCode ?? 502, answer.headers);
      answer.pipe(res);
    });
    forwarded.on('error', () => res.destroy());
    req.pipe(forwarded);
  });
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
  return server;
}

async function fileThrough(trusted: Record<string, string>): Promise<{ status: number; text: string }> {
  const folder = mkdtempSync(join(tmpdir(), 'tls-'));
  const sandbox = await startTestSandbox({ seed: false });
  const server = await overTls(sandbox);
  const text = 'a,b\n'.repeat(300_000);
  const run = { account: 'acct_files', api: 'V1', count: 1, file: { text } };
  const { ids } = await sandbox.control<{ ids: string[] }>('POST', 'runs', run);
  const gateway = startProgram('dist/main.js', {
    PORT: '0',
    STRIPE_API_BASE: `https://localhost:${(server.address() as AddressInfo).port}`,
    STRIPE_API_KEY: KEY,
    STRIPE_ACCOUNT_ID: 'acct_files',
    AUTH_ANONYMOUS: '1',
    DATABASE_URL: `file:${join(folder, 'ledger.db')}`,
    ...trusted,
  });
  try {
    const [url] = await gateway.says(/http:\S+\/graphql/);
    const query = 'query ($id: ID!) { reportRun(id: $id) { result { file { downloadUrl { url } } } } }';
    const { data, errors } = await post<{
      reportRun: { result: { file: { downloadUrl: { url: string } } } } | null;
    }>(url, query, { id: ids[0] });
    if (!data?.reportRun) return { status: 0, text: JSON.stringify(errors) };
    const { status, bytes } = await fetchFile(data.reportRun.result.file.downloadUrl.url);
    return { status, text: bytes.toString() === text ? 'the file' : bytes.toString() };
  } finally {
    await gateway.end();
    server.closeAllConnections();
    await new Promise((closed) => server.close(closed));
    await sandbox.close();
    rmSync(folder, { recursive: true, force: true });
  }
}

test('a file comes over TLS from a server whose certificate is trusted', async () => {
  expect(await fileThrough({ NODE_EXTRA_CA_CERTS: CERTIFICATE })).toEqual({ status: 200, text: 'the file' });
});

test('the key is not sent to a server whose certificate nobody trusts', async () => {
  const seen: unknown[] = [];
  const options = { cert: readFileSync(CERTIFICATE), key: readFileSync(PRIVATE_KEY) };
  const server = createServer(options, (req, res) => {
    seen.push(req.headers.authorization);
    res.end('12345');
  });
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
  const base = new URL(`https://localhost:${(server.address() as AddressInfo).port}`);
  const v2 = { downloadUrl: () => Promise.reject(new Error('not asked for here')) };
  const files = createFileSource({ apiKey: KEY, base, v2 });
  const run = runFrom('V1', { ...succeededV1, result: { ...fileV1, size: 5 } });
  try {
    const { signal } = new AbortController();
    expect(await failure(files.open(run, { signal }))).toMatchObject({ kind: 'unavailable' });
    expect(seen).toEqual([]);
  } finally {
    await files.close();
    server.closeAllConnections();
    await new Promise((closed) => server.close(closed));
  }
});
