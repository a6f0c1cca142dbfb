import { existsSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { DEFAULT_DATABASE } from '../environment.js';
import { openEngine } from '../ledger/open-engine.js';
import { type AccountContents, inspectAccount, purgeAccount } from '../ledger/purge.js';
import { runCommand, table } from './terminal.js';

const USAGE = `Usage: npm run purge -- --account acct_…:test          shows what a ledger has of an account
       npm run purge -- --account acct_…:test --yes    deletes it for good
The gateway must be stopped. DATABASE_URL names the ledger, ${DEFAULT_DATABASE} if it is not set.`;

function describe(account: string, { rows, openCreates }: AccountContents): string {
  const lines = [...rows].filter(([, count]) => count > 0).map(([name, count]) => [name, String(count)]);
  const warning =
    openCreates === 0
      ? ''
      : `\n\n${openCreates} ${openCreates === 1 ? 'create is' : 'creates are'} not settled: whether they have started runs will not be known.`;
  return `${account} has\n\n${table([['TABLE', 'ROWS'], ...lines])}${warning}`;
}

await runCommand(async () => {
  const options = { account: { type: 'string' }, yes: { type: 'boolean', default: false } } as const;
  const { account, yes } = parseArgs({ options }).values;
  if (account === undefined || !/^acct_\w+:(?:live|test)$/.test(account)) throw new Error(USAGE);
  const database = process.env['DATABASE_URL'] || DEFAULT_DATABASE;
  if (database.startsWith('file:') && !existsSync(database.slice('file:'.length)))
    throw new Error(`There is no ledger at ${database.slice('file:'.length)}. DATABASE_URL names another.`);
  const engine = await openEngine(database, { isCommand: true, allowUnsafe: true });
  try {
    const contents = describe(account, await inspectAccount(engine, account));
    if (!yes) return `${contents}\n\nNothing was deleted. With --yes it is deleted for good.`;
    process.stdout.write(`${contents}\n\n`);
    await purgeAccount(engine, account, (name, deleted) => {
      process.stdout.write(`${name}: ${deleted} deleted\n`);
    });
    return `\nNothing of ${account} is left in the ledger.`;
  } finally {
    await engine.close();
  }
});
