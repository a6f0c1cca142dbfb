/** Literals, quoted names, placeholders and the type `text`, in the order they come. */
const PARTS = /'(?:[^']|'')*'|"[^"]*"|\?|\btext\b/g;
const DEFINITION = /^\s*(?:create|alter)\s+table\b/i;

/**
 * A statement of the ledger in Postgres's words: `$1`, `$2` … for each `?`, and columns of text that compare by code units,
 * whatever the locale of the database. Indexes take the order of their columns.
 */
export function toPostgres(sql: string): string {
  const defines = DEFINITION.test(sql);
  let count = 0;
  return sql.replace(PARTS, (part) => {
    if (part === '?') {
      count += 1;
      return `$${count}`;
    }
    return part === 'text' && defines ? 'text collate "C"' : part;
  });
}

/** Whether a statement only reads; whatever else it may be takes the writers' turn. */
export function isRead(sql: string): boolean {
  return /^\s*select\b/i.test(sql);
}
