import { Writable } from 'node:stream';
import { expect } from 'vitest';
import { startTestGateway, type TestGateway } from '../support/gateway.js';
import { startTestSandbox, type TestSandbox } from '../support/sandbox.js';

export const KEY = 'sk_test_files';

/** A sandbox and a gateway on it, which log into `log`. */
export interface Both extends AsyncDisposable {
  readonly sandbox: TestSandbox;
  readonly gateway: TestGateway;
  readonly log: readonly string[];
  /** A run that has succeeded, of `acct_files` unless told otherwise, with that file if it is to have another than its own. */
  finished(api: 'V1' | 'V2', file?: object, account?: string): Promise<string>;
  /** `ReportFile.downloadUrl` of a run. */
  linkTo(id: string, expiresIn?: number): Promise<string>;
}

export interface BothOptions {
  readonly fileSigningKeys?: readonly Uint8Array[];
  readonly limits?: boolean;
}

export async function startBoth({ limits = false, ...options }: BothOptions = {}): Promise<Both> {
  const log: string[] = [];
  const sandbox = await startTestSandbox({ seed: false });
  await sandbox.control('POST', 'settings', { limits });
  const logTo = new Writable({
    write(chunk, _encoding, done) {
      log.push(String(chunk));
      done();
    },
  });
  const gateway = await startTestGateway({ upstream: sandbox.origin, apiKey: KEY, logTo, ...options });
  return {
    sandbox,
    gateway,
    log,
    async finished(api, file, account = 'acct_files') {
      const { ids } = await sandbox.control<{ ids: string[] }>('POST', 'runs', {
        account,
        api,
        count: 1,
        ...(file === undefined ? {} : { file }),
      });
      return ids[0] ?? '';
    },
    linkTo: (id, expiresIn) => linkAt(gateway, id, expiresIn),
    async [Symbol.asyncDispose]() {
      await gateway.close();
      await sandbox.close();
    },
  };
}

export async function linkAt(gateway: TestGateway, id: string, expiresIn = 300): Promise<string> {
  const { data } = await gateway.query<{
    reportRun: { result: { file: { downloadUrl: { url: string } } } };
  }>(
    'query ($id: ID!, $expiresIn: Int) { reportRun(id: $id) { result { file { downloadUrl(expiresIn: $expiresIn) { url } } } } }',
    { id, expiresIn },
  );
  const url = data?.reportRun.result.file.downloadUrl.url ?? '';
  expect(url).toMatch(/^http:\/\/127\.0\.0\.1:\d+\/files\//);
  return url;
}

/** The whole answer to a request for a file. */
export async function fetchFile(url: string, headers: Record<string, string> = {}) {
  const answer = await fetch(url, { headers });
  return { status: answer.status, headers: answer.headers, bytes: Buffer.from(await answer.arrayBuffer()) };
}
