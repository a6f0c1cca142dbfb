/** What a row and a parameter can hold. Booleans are 0 and 1, instants unix ms, JSON is text. */
export type SqlValue = string | number | null;

/**
 * The little of a database that the ledger needs. Statements use `?` placeholders and only what SQLite and Postgres share:
 * `insert … on conflict`, `returning`, row values, partial indexes. Text compares by code units. A
 * `query` outside of a transaction sees what is committed, never the rows of one that is still open.
 */
export interface Engine extends Asker {
  /**
   * All of `work` or nothing of it; the transactions of all processes on the database run one after the other. Commits before it
   * resolves; whatever fails, the commit too, rejects and is rolled back. Inside `work` use only its `tx`: a query or transaction
   * of the engine would wait for this one to end, for ever if `work` awaits it. A statement that fails fails the whole. `work`
   * runs again, from its beginning, where the connection was lost before its commit: it must have no effect but by its `tx`.
   */
  tx<T>(work: (tx: Tx) => Promise<T>, options?: TxOptions): Promise<T>;
  /**
   * Reads several statements from one state of the database; `work` may run again, as in `tx`. It waits for no writer, where the
   * database allows that.
   */
  snapshot<T>(work: (asker: Asker) => Promise<T>): Promise<T>;
  /** Unix ms by the database's clock, which is the same for all processes that share it. */
  now(): number;
  /** Whether other processes may use the database at the same time. */
  readonly isShared: boolean;
  /** Ends a `select` of rows for an update that leaves out those that another process has locked; empty where none can. */
  readonly skipLocked: string;
  /**
   * Calls back for each topic after its transaction has committed, in whichever process; perhaps some ms after `tx` has resolved.
   * Gives the function that ends it.
   */
  onNotify(listener: (topic: string) => void): () => void;
  /** Calls back when notifications of other processes may have been missed. Gives the function that ends it. */
  onGap(listener: () => void): () => void;
  /** Waits for the transactions under way. What is asked later is rejected. */
  close(): Promise<void>;
}

export interface TxOptions {
  /** Waits for other writers, and may take, as long as it must; else a database that is shared sets bounds of some seconds. */
  readonly patient?: boolean;
}

/** Whatever answers a statement: an engine, a transaction, a snapshot. */
export interface Asker {
  query<Row>(sql: string, params?: readonly SqlValue[]): Promise<readonly Row[]>;
}

/** A transaction under way. */
export interface Tx extends Asker {
  /** Told to the listeners once, after the commit, however often a transaction says it. */
  notify(topic: string): void;
}

/** The ledger cannot be used as it is. Its message is a sentence for the operator; `cause` is what the database said. */
export class LedgerError extends Error {
  override readonly name = 'LedgerError';
}
