import { askGateway } from './admin-client.js';
import { runCommand, table } from './terminal.js';

interface Usage {
  readonly account: string;
  readonly usage: {
    readonly month: string;
    readonly monthReads: number;
    readonly monthlyReads: number | null;
    readonly days: readonly { readonly day: string; readonly reads: number }[];
  };
}

await runCommand(async () => {
  const { account, usage } = await askGateway<Usage>('GET', '/usage');
  const { month, monthReads, monthlyReads, days } = usage;
  const cap = monthlyReads === null ? '' : ` of ${monthlyReads}`;
  const rows = days.map(({ day, reads }) => [day, String(reads)]);
  return `${account}: ${monthReads}${cap} reads in ${month} (UTC).\n\n${table([['DAY', 'READS'], ...rows])}`;
});
