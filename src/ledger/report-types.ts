import type { JsonObject } from '../models/json.js';
import type { StripeApi } from '../models/report-run.js';
import type { Engine } from './engine.js';

/** A report type as Stripe last gave it; the caller decodes. */
export interface KeptReportType {
  readonly id: string;
  readonly api: StripeApi;
  readonly body: JsonObject;
  /** When it was read, unix ms. */
  readonly refreshed: number;
}

/** The report types kept for one account. */
export interface ReportTypes {
  get(id: string): Promise<KeptReportType | null>;
  /** Ascending by id. */
  list(api: StripeApi): Promise<readonly KeptReportType[]>;
  /** `refreshed` is unix ms. With `replaceAll` the API's types that are not among these are dropped: a whole catalogue was read. */
  put(
    api: StripeApi,
    types: readonly { readonly id: string; readonly body: JsonObject }[],
    refreshed: number,
    options?: { readonly replaceAll?: boolean },
  ): Promise<void>;
  /** What was read of the API's types until now is out of date (`refreshed` 0), also by reads that are still under way. */
  outdate(api: StripeApi): Promise<void>;
}

interface ReportTypeRow {
  readonly id: string;
  readonly api: StripeApi;
  readonly body: string;
  readonly refreshed: number;
}

export function openReportTypes(engine: Engine, account: string): ReportTypes {
  /** When an API's types were last outdated, unix ms, is a setting of this name. */
  const outdated = (api: StripeApi): string => `report types outdated:${api}`;
  const select = 'select id, api, body, refreshed from report_types where account = ?';
  return {
    async get(id) {
      const [row] = await engine.query<ReportTypeRow>(`${select} and id = ?`, [account, id]);
      return row ? toKept(row) : null;
    },
    async list(api) {
      const rows = await engine.query<ReportTypeRow>(`${select} and api = ? order by id`, [account, api]);
      return rows.map(toKept);
    },
    put(api, types, refreshed, { replaceAll = false } = {}) {
      return engine.tx(async (tx) => {
        const [row] = await tx.query<{ value: string }>(
          'select value from settings where account = ? and name = ?',
          [account, outdated(api)],
        );
        const good = row === undefined || refreshed > Number(row.value) ? refreshed : 0;
        if (replaceAll)
          await tx.query('delete from report_types where account = ? and api = ?', [account, api]);
        for (const { id, body } of types) {
          await tx.query(
            `insert into report_types (account, id, api, body, refreshed) values (?, ?, ?, ?, ?)
             on conflict (account, id) do update set body = excluded.body, refreshed = excluded.refreshed`,
            [account, id, api, JSON.stringify(body), good],
          );
        }
      });
    },
    outdate(api) {
      return engine.tx(async (tx) => {
        await tx.query(
          `insert into settings (account, name, value) values (?, ?, ?)
           on conflict (account, name) do update set value = excluded.value`,
          [account, outdated(api), String(engine.now())],
        );
        await tx.query('update report_types set refreshed = 0 where account = ? and api = ?', [account, api]);
      });
    },
  };
}

function toKept(row: ReportTypeRow): KeptReportType {
  return { ...row, body: JSON.parse(row.body) as JsonObject };
}
