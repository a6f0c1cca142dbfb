import { parseArgs } from 'node:util';
import type { OpenCreate } from '../models/open-create.js';
import { askGateway } from './admin-client.js';
import { ageOf, runCommand, table } from './terminal.js';

const USAGE = `Usage: npm run intents                                   lists the creates that are not settled
       npm run intents -- settle <key> --run <id>        says which run an unknown one has started
       npm run intents -- settle <key> --none            says that it has started none`;

async function list(): Promise<string> {
  const { account, now, creates } = await askGateway<{
    readonly account: string;
    readonly now: number;
    readonly creates: readonly OpenCreate[];
  }>('GET', '/intents');
  const unknown = creates.filter(({ state }) => state === 'unknown').length;
  const pending = creates.length - unknown;
  const summary = `${account}: ${unknown} ${unknown === 1 ? 'create needs' : 'creates need'} an operator, ${pending} ${pending === 1 ? 'is' : 'are'} still being finished.`;
  if (creates.length === 0) return summary;
  const rows = creates.map(({ key, state, api, reportType, createdAt, attempt, due, error }) => [
    key,
    state,
    api.toLowerCase(),
    reportType,
    ageOf(now - createdAt),
    String(attempt),
    due === null ? '-' : due <= now ? 'now' : `in ${ageOf(due - now)}`,
    error ?? '-',
  ]);
  const header = ['KEY', 'STATE', 'API', 'REPORT TYPE', 'AGE', 'ATTEMPT', 'DUE', 'LAST ERROR'];
  const advice =
    unknown === 0
      ? ''
      : `\n\nLook for the run in Stripe's dashboard, then settle each unknown one:\n${USAGE}`;
  return `${summary}\n\n${table([header, ...rows])}${advice}`;
}

async function settle(key: string, run: string | undefined, isNone: boolean): Promise<string> {
  if ((run === undefined) === !isNone) throw new Error(`Say either --run <id> or --none.\n${USAGE}`);
  const { said } = await askGateway<{ readonly said: string }>('POST', '/intents/settle', {
    key,
    run: run ?? null,
  });
  return said;
}

await runCommand(async () => {
  const options = { run: { type: 'string' }, none: { type: 'boolean', default: false } } as const;
  const { values, positionals } = parseArgs({ options, allowPositionals: true });
  const [command, key, ...rest] = positionals;
  if (command === undefined && values.run === undefined && !values.none) return list();
  if (command !== 'settle' || key === undefined || rest.length > 0) throw new Error(USAGE);
  return settle(key, values.run, values.none);
});
