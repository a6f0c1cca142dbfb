import { existsSync } from 'node:fs';
import { type Engine, LedgerError } from '../ledger/engine.js';
import { type MoveProgress, moveLedger } from '../ledger/move.js';
import { openPostgres } from '../ledger/postgres.js';
import { openSqlite } from '../ledger/sqlite.js';
import { runCommand, table } from './terminal.js';

const USAGE = `Usage: npm run ledger:move -- file:data/ledger.db postgres://user:password@host:port/database

Copies the ledger of a stopped gateway from its file to Postgres; the file stays as it is. Without a second argument the
target is DATABASE_URL, which keeps the password out of the list of processes.`;
const BAR = 30;

async function move(from: string, file: string, to: string): Promise<string> {
  const source = openSource(from, file);
  let target: Engine | null = null;
  try {
    target = await openPostgres(to, {
      allowUnsafe: /^(?:1|true)$/.test(process.env['LEDGER_ALLOW_UNSAFE'] ?? ''),
    });
    const moved = await moveLedger(source, target, process.stdout.isTTY ? drawBar : () => undefined);
    const rows = [...moved].map(([name, count]) => [name, grouped(count)]);
    return `${table([['TABLE', 'ROWS'], ...rows])}\n\nAll rows were counted in the target. Start the gateway with it in DATABASE_URL; ${from} is as it was.`;
  } finally {
    await Promise.all([source.close(), target?.close()]);
  }
}

function fileOf(argument: string): string {
  const file = argument.startsWith('file:') ? argument.slice('file:'.length) : '';
  if (file === '') {
    throw new Error(
      `The first argument must be the source, file: and a path, not '${withoutPassword(argument)}'.`,
    );
  }
  // Opening would make an empty file.
  if (!existsSync(file)) throw new Error(`The first argument, ${argument}, names a file that is not there.`);
  return file;
}

/** Whoever gives the two the wrong way round must not find the password in a log. */
function withoutPassword(argument: string): string {
  return argument.replace(/:\/\/.*@/, '://…@');
}

function openSource(argument: string, file: string): Engine {
  try {
    return openSqlite(file);
  } catch (error) {
    if (!(error instanceof LedgerError)) throw error;
    throw new LedgerError(`The first argument, ${argument}, cannot be moved. ${error.message}`, {
      cause: error,
    });
  }
}

function drawBar({ table: name, done, total }: MoveProgress): void {
  const filled = total === 0 ? BAR : Math.floor((BAR * done) / total);
  const bar = '█'.repeat(filled) + '░'.repeat(BAR - filled);
  const end = done >= total ? '\r\x1b[K' : '';
  process.stdout.write(`\r\x1b[K${name.padEnd(14)}${bar} ${grouped(done)} / ${grouped(total)}${end}`);
}

function grouped(count: number): string {
  return count.toLocaleString('en-US');
}

await runCommand(async () => {
  const [from, to = process.env['DATABASE_URL'] ?? '', ...more] = process.argv.slice(2);
  if (from === undefined || more.length > 0) throw new Error(USAGE);
  const file = fileOf(from);
  if (!/^postgres(?:ql)?:\/\//.test(to)) {
    throw new Error(
      'The second argument, or DATABASE_URL, must be the target: postgres://user:password@host:port/database.',
    );
  }
  return move(from, file, to);
});
