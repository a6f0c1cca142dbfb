// What the measurements share: the real programs, each in a process of its own.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { request } from 'node:http';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const KEY = 'sk_test_bench';

/** The programs of one measurement, each in a process of its own, and a folder for their files; all of it is gone after `close`. */
export function openShop() {
  const folder = mkdtempSync(join(tmpdir(), 'bench-'));
  const children = new Set();
  let count = 0;
  const killAll = () => {
    for (const child of children) child.kill('SIGKILL');
    rmSync(folder, { recursive: true, force: true });
  };
  process.once('exit', killAll);

  /** Starts `node <file>` with nothing of this environment but PATH and HOME, and resolves when it has said `pattern`. */
  async function start(file, env, pattern) {
    const { PATH, HOME } = process.env;
    const child = spawn(process.execPath, [file], {
      env: { PATH, HOME, ...env },
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    children.add(child);
    const exited = once(child, 'exit').then(() => children.delete(child));
    const address = await new Promise((resolve, reject) => {
      let output = '';
      const read = (text) => {
        output += text;
        const found = pattern.exec(output);
        if (found === null) return;
        child.stdout.off('data', read).resume();
        resolve(found[1]);
      };
      child.stdout.on('data', read);
      void exited.then(() => reject(new Error(`${file} ended:\n${output}`)));
    });
    const end = (signal = 'SIGTERM') => {
      child.kill(signal);
      return exited;
    };
    return { address, pid: child.pid, end };
  }

  return {
    folder,
    /** With `control` for its control endpoint. */
    async startSandbox() {
      const env = { SANDBOX_PORT: '0' };
      const sandbox = await start('dist/sandbox/main.js', env, /endpoints at (http:\S+)/);
      const control = (path, body, method) => send(`${sandbox.address}/_sandbox/${path}`, body, method);
      return { ...sandbox, control };
    },
    /** `env` names at least the key; its address is where it takes queries. */
    startGateway(sandbox, env) {
      count += 1;
      const own = { PORT: '0', AUTH_ANONYMOUS: '1', ADMIN_SOCKET: join(folder, `admin-${count}.sock`) };
      return start(
        'dist/main.js',
        {
          ...own,
          STRIPE_API_BASE: sandbox.address,
          DATABASE_URL: `file:${join(folder, 'ledger.db')}`,
          ...env,
        },
        /(http:\S+\/graphql)/,
      );
    },
    async close() {
      const ended = [...children].map((child) => once(child, 'exit'));
      for (const child of children) child.kill('SIGTERM');
      await Promise.all(ended);
      process.off('exit', killAll);
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

/** GETs, or sends `body` as JSON with POST or the method that is named; gives the JSON of the answer. */
export async function send(url, body, method = body === undefined ? 'GET' : 'POST') {
  const headers = { 'content-type': 'application/json' };
  const sent = body === undefined ? {} : { body: JSON.stringify(body) };
  const answer = await fetch(url, { method, headers, ...sent });
  const given = await answer.json();
  if (!answer.ok || given.errors) throw new Error(`${url} answered ${JSON.stringify(given).slice(0, 500)}`);
  return given;
}

/** A sandbox without limits and a gateway on it, for whoever closes them. */
export async function startBoth() {
  const shop = openShop();
  try {
    const sandbox = await shop.startSandbox();
    const gateway = await shop.startGateway(sandbox, { STRIPE_API_KEY: KEY });
    await sandbox.control('settings', { limits: false });
    return { sandbox, gateway, control: sandbox.control, close: () => shop.close() };
  } catch (error) {
    await shop.close();
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

export function sizeText(bytes) {
  if (bytes < 10_000) return `${bytes} B`;
  return bytes < 1e6 ? `${(bytes / 1e3).toFixed(0)} kB` : `${(bytes / 1e6).toFixed(1)} MB`;
}
