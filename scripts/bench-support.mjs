// What the measurements share: a sandbox and a gateway on it, each in a process of its own.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { request } from 'node:http';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

export const KEY = 'sk_test_bench';

async function start(children, file, env, pattern) {
  const { PATH, HOME } = process.env;
  const child = spawn(process.execPath, [file], {
    env: { PATH, HOME, ...env },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  children.push(child);
  const address = await new Promise((resolve, reject) => {
    let output = '';
    child.stdout.on('data', (text) => {
      output += text;
      const found = pattern.exec(output);
      if (found !== null) resolve(found[1]);
    });
    child.once('exit', () => reject(new Error(`${file} ended:\n${output}`)));
  });
  return { address, pid: child.pid };
}

/** POSTs `body` as JSON, or GETs without one; gives the JSON of the answer. */
export async function send(url, body) {
  const method = body === undefined ? 'GET' : 'POST';
  const headers = { 'content-type': 'application/json' };
  const answer = await fetch(url, { method, headers, body: JSON.stringify(body) });
  const given = await answer.json();
  if (!answer.ok || given.errors) throw new Error(`${url} answered ${JSON.stringify(given).slice(0, 500)}`);
  return given;
}

/** A sandbox without limits and a gateway on it, for whoever closes them. */
export async function startBoth() {
  const folder = mkdtempSync(join(tmpdir(), 'bench-'));
  const children = [];
  const close = async () => {
    for (const child of children) child.kill('SIGTERM');
    await Promise.all(children.map((child) => child.exitCode ?? once(child, 'exit')));
    rmSync(folder, { recursive: true, force: true });
  };
  try {
    const sandbox = await start(
      children,
      'dist/sandbox/main.js',
      { SANDBOX_PORT: '0' },
      /endpoints at (http:\S+)/,
    );
    const env = {
      PORT: '0',
      STRIPE_API_BASE: sandbox.address,
      STRIPE_API_KEY: KEY,
      AUTH_ANONYMOUS: '1',
      DATABASE_URL: `file:${join(folder, 'ledger.db')}`,
    };
    const gateway = await start(children, 'dist/main.js', env, /(http:\S+\/graphql)/);
    const control = (path, body) => send(`${sandbox.address}/_sandbox/${path}`, body);
    await control('settings', { limits: false });
    return { sandbox, gateway, control, close };
  } catch (error) {
    await close();
    throw error;
  }
}

/** Bytes of resident memory of a process: now, and at most since it began or since `forgetPeak`. */
export function memoryOf(pid) {
  const status = readFileSync(`/proc/${pid}/status`, 'utf8');
  const bytes = (name) => Number(new RegExp(`${name}:\\s+(\\d+)`).exec(status)[1]) * 1024;
  return { now: bytes('VmRSS'), peak: bytes('VmHWM') };
}

export function forgetPeak(pid) {
  writeFileSync(`/proc/${pid}/clear_refs`, '5');
}

/** The id of a new v1 or v2 run with that file. */
export async function runWith(control, api, file) {
  const { ids } = await control('runs', { account: 'acct_bench', api, count: 1, file });
  return ids[0];
}

/** Ms from the request for a file to its last byte, by the cheapest client that Node has. */
export function copyMs({ url, size, headers }) {
  return new Promise((resolve, reject) => {
    const began = performance.now();
    const req = request(url, { headers, agent: false }, (res) => {
      let bytes = 0;
      res.on('data', (chunk) => {
        bytes += chunk.length;
      });
      res.on('error', reject);
      res.on('end', () => {
        if (res.statusCode === 200 && bytes === size) resolve(performance.now() - began);
        else reject(new Error(`${url} gave ${bytes} of ${size} bytes, status ${res.statusCode}`));
      });
    });
    req.on('error', reject).end();
  });
}

/** Where Stripe has a run's file, and the headers that reading it takes. */
export async function fileAt(sandbox, api, id) {
  const headers = { authorization: `Bearer ${KEY}`, 'stripe-version': '2026-04-22.dahlia' };
  const run = await fetch(`${sandbox.address}/${api.toLowerCase()}/reporting/report_runs/${id}`, { headers });
  const { result } = await run.json();
  return api === 'V1'
    ? { url: result.url, size: result.size, headers }
    : { url: result.file.download_url.url, size: Number(result.file.size), headers: {} };
}

export const median = (values) => values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)];

export const print = (line) => process.stdout.write(`${line}\n`);

export function sizeText(bytes) {
  if (bytes < 10_000) return `${bytes} B`;
  return bytes < 1e6 ? `${(bytes / 1e3).toFixed(0)} kB` : `${(bytes / 1e6).toFixed(1)} MB`;
}
