/** What a row and a parameter can hold. Booleans are 0 and 1, instants unix ms, JSON is text. */
export type SqlValue = string | number | null;

/**
 * The little of a database that the ledger needs. Statements use `?` placeholders and only what SQLite and Postgres share:
 * `insert … on conflict`, `returning`, row values, partial indexes. Text compares by code units.
 */
export interface Engine {
  /** Sees what is committed, never the rows of a transaction that is still open. */
  query<Row>(sql: string, params?: readonly SqlValue[]): Promise<readonly Row[]>;
  /**
   * All of `work` or nothing of it; transactions run one after the other. Commits before it resolves; whatever fails, the commit
   * too, rejects and is rolled back. Inside `work` use only its `tx`: a query or transaction of the engine would wait for this
   * one to end, for ever if `work` awaits it.
   */
  tx<T>(work: (tx: Tx) => Promise<T>): Promise<T>;
  /** Calls back for each topic after its transaction has committed. Gives the function that ends it. */
  onNotify(listener: (topic: string) => void): () => void;
  /** Waits for the transactions under way. What is asked later is rejected. */
  close(): Promise<void>;
}

/** A transaction under way. */
export interface Tx {
  query<Row>(sql: string, params?: readonly SqlValue[]): Promise<readonly Row[]>;
  /** Told to the listeners once, after the commit, however often a transaction says it. */
  notify(topic: string): void;
}

/** The ledger cannot be used as it is. Its message is a sentence for the operator; `cause` is what the database said. */
export class LedgerError extends Error {
  override readonly name = 'LedgerError';
}
