import type { ReportColumn } from '../models/report-rows.js';
import type { Engine } from './engine.js';

/** What is known of a run's file. Null is what nobody has learned yet: a finished run's file never changes. */
export interface KnownFile {
  /** The file's first line; empty where the file is. */
  readonly header: readonly string[] | null;
  /** What Stripe itself says of the columns. */
  readonly columns: readonly ReportColumn[] | null;
  readonly rowCount: number | null;
}

/** The files of one account's runs. */
export interface Files {
  get(runId: string): Promise<KnownFile>;
  /** Adds what was learned; what is known already stays. */
  learn(runId: string, learned: Partial<KnownFile>): Promise<void>;
}

interface FileRow {
  readonly header: string | null;
  readonly columns: string | null;
  readonly row_count: number | null;
}

export function openFiles(engine: Engine, account: string): Files {
  const get = async (runId: string): Promise<KnownFile> => {
    const [row] = await engine.query<FileRow>(
      'select header, columns, row_count from files where account = ? and run_id = ?',
      [account, runId],
    );
    return {
      header: parsed(row?.header) as KnownFile['header'],
      columns: parsed(row?.columns) as KnownFile['columns'],
      rowCount: row?.row_count ?? null,
    };
  };
  return {
    get,
    async learn(runId, { header = null, columns = null, rowCount = null }) {
      const known = await get(runId);
      const isNews =
        (header && !known.header) ||
        (columns && !known.columns) ||
        (rowCount !== null && known.rowCount === null);
      if (!isNews) return;
      await engine.tx((tx) =>
        tx.query(
          `insert into files (account, run_id, header, columns, row_count) values (?, ?, ?, ?, ?)
           on conflict (account, run_id) do update set header = coalesce(files.header, excluded.header),
             columns = coalesce(files.columns, excluded.columns), row_count = coalesce(files.row_count, excluded.row_count)`,
          [account, runId, written(header), written(columns), rowCount],
        ),
      );
    },
  };
}

function parsed(text: string | null | undefined): unknown {
  return typeof text === 'string' ? JSON.parse(text) : null;
}

function written(value: unknown): string | null {
  return value === null ? null : JSON.stringify(value);
}
