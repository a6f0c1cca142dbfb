/** Stripe's words for what a column holds. DOUBLE is a decimal number; the file has it in full, whatever a double could hold. */
export type ReportColumnType = 'BOOLEAN' | 'DOUBLE' | 'BIGINT' | 'VARCHAR' | 'TIMESTAMP';

/** A column of a report's file. */
export interface ReportColumn {
  /** As the file has it; two columns can have the same. */
  readonly name: string;
  /** Null where it is not known. */
  readonly type: ReportColumnType | null;
}

/** A row of a report's file. */
export interface ReportRow {
  /** One per column, as they stand in the file but for the quotes around them. */
  readonly cells: readonly string[];
  /** A key for each cell, no two the same. */
  readonly keys: readonly string[];
}

export interface ReportRowsRequest {
  /** 1 to 1,000. */
  readonly first: number;
  /** The cursor of the row before; null from the beginning. */
  readonly after: string | null;
}

export interface ReportRowsPage {
  readonly rows: readonly { readonly row: ReportRow; readonly cursor: string }[];
  readonly hasNextPage: boolean;
  readonly hasPreviousPage: boolean;
}
